// Loads what of the page is not there from the start.
import { address, HubAway } from "./client";

/** OtherPage is the error of a part that the hub no longer has: its page is another one by now. */
export class OtherPage extends Error {
  constructor() {
    super("this part of the page is not in the hub: it may have been updated meanwhile");
    this.name = "OtherPage";
  }
}

/** chunk loads a part. What is thrown says whether the hub is away, or has another page. */
export async function chunk<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch {
    if (!(await isThere())) throw new HubAway();
  }
  return load().catch(() => { // once more, as the hub may have come back only now
    throw new OtherPage();
  });
}

async function isThere(): Promise<boolean> {
  const response = await fetch(address("livez"), { cache: "no-store" }).catch(() => null);
  return response !== null && response.status < 500; // more is of the hub's, or of a proxy that does not reach it
}
