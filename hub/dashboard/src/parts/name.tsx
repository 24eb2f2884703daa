// A name where there may be no room for it. What belongs together begins alike,
// so it is cut before its end, which tells it apart.

const end = 6; // a "-" and the five letters of a pod of a Deployment

/** CutName is the name; it needs a block whose width does not depend on it. */
export function CutName({ name }: { name: string }) {
  if (name.length <= 2 * end) return name;
  return <><span className="name-start">{name.slice(0, -end)}</span>{name.slice(-end)}</>;
}
