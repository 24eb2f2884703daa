// What went wrong when an agent was asked, in the words that matter. Pure.

/** causeOf leaves out which address was asked: "get http://10.0.0.7:9100/snapshot: EOF" is "EOF". */
export function causeOf(error: string): string {
  return error.replace(/^get \S+: /, "");
}
