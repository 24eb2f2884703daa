// The field that filters a table.
import { useEffect, useRef, useState } from "react";

interface Props {
  value: string;
  onChange(value: string): void;
  /** What is searched. */
  caption: string;
  /** Whether it is the one on the page that the / key leads to. */
  keyed: boolean;
  /** Leads on to what was found. */
  onLeave(): void;
}

/** Search is ahead of the address, which browsers let change only so often. */
export function Search({ value, onChange, caption, keyed, onLeave }: Props) {
  const [typed, setTyped] = useState(value);
  const written = useRef(value);
  useEffect(() => {
    if (value !== written.current) setTyped((written.current = value));
  }, [value]);
  useEffect(() => {
    if (typed === written.current) return;
    const timer = setTimeout(() => onChange((written.current = typed)), 120);
    return () => clearTimeout(timer);
  }, [typed, onChange]);
  return (
    <input type="search" className="search" data-search="" placeholder={keyed ? "Search   /" : "Search"} aria-label={`Search ${caption}`} value={typed}
      onChange={(event) => setTyped(event.target.value)}
      onKeyDown={(event) => {
        if (event.key !== "Escape" && event.key !== "Enter" && event.key !== "ArrowDown") return;
        event.preventDefault();
        event.stopPropagation();
        if (event.key === "Escape") {
          setTyped("");
          event.currentTarget.blur();
        } else {
          if (typed !== written.current) onChange((written.current = typed));
          onLeave();
        }
      }} />
  );
}
