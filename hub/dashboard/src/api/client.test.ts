import { expect, test } from "vitest";
import { loginAddress } from "./client";

test.each([
  ["http://hub/", "http://hub/", "http://hub/login?next=%2F"],
  ["http://hub/pods/shop/web-1?range=1h", "http://hub/", "http://hub/login?next=%2Fpods%2Fshop%2Fweb-1%3Frange%3D1h"],
  ["https://x/tools/kubemon/nodes?q=a", "https://x/tools/kubemon/", "https://x/tools/kubemon/login?next=%2Fnodes%3Fq%3Da"],
])("from %s", (href, base, want) => expect(loginAddress(href, base).href).toBe(want));
