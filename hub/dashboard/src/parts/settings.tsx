// What a reader likes, whatever is looked at: kept by the browser, not in the
// address.
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { bitsPerSecond, bytesPerSecond, type Format } from "../format/number";

export type Theme = "auto" | "light" | "dark";
type NetworkUnit = "bits" | "bytes";

interface Settings {
  theme: Theme;
  setTheme(theme: Theme): void;
  networkUnit: NetworkUnit;
  setNetworkUnit(unit: NetworkUnit): void;
}

const SettingsContext = createContext<Settings | null>(null);

/** useSettings are the reader's. */
export function useSettings(): Settings {
  const settings = useContext(SettingsContext);
  if (!settings) throw new Error("useSettings needs a SettingsProvider around it");
  return settings;
}

/** useNetworkFormat formats bytes per second of a network as the reader likes. */
export function useNetworkFormat(): Format {
  return useSettings().networkUnit === "bits" ? bitsPerSecond : bytesPerSecond;
}

/** SettingsProvider keeps the settings, and tells the document of the theme. */
export function SettingsProvider({ children }: { children: ReactNode }) {
  const [theme, setTheme] = useKept<Theme>("kubemon.theme", ["auto", "light", "dark"]);
  const [networkUnit, setNetworkUnit] = useKept<NetworkUnit>("kubemon.network", ["bits", "bytes"]);
  useEffect(() => {
    document.documentElement.dataset["theme"] = theme;
  }, [theme]);
  const settings = useMemo(() => ({ theme, setTheme, networkUnit, setNetworkUnit }), [theme, setTheme, networkUnit, setNetworkUnit]);
  return <SettingsContext value={settings}>{children}</SettingsContext>;
}

/** useKept is a choice that the browser keeps, the first unless it has another. */
function useKept<T extends string>(key: string, choices: readonly [T, ...T[]]): [T, (value: T) => void] {
  const [value, set] = useState<T>(() => choices.find((choice) => choice === read(key)) ?? choices[0]);
  const keep = useMemo(
    () => (next: T) => {
      set(next);
      write(key, next);
    },
    [key],
  );
  return [value, keep];
}

// A browser may refuse to keep anything; the choice then lasts as long as the page.
function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    return;
  }
}
