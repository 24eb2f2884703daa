// An address that is no page.
import { Link } from "wouter";
import { useHref } from "../url/use-address";

/** Missing says so. */
export default function Missing() {
  const href = useHref();
  return (
    <div className="failure">
      <h1>There is no such page</h1>
      <p>The <Link href={href("/")}>overview</Link> leads to every page there is.</p>
    </div>
  );
}
