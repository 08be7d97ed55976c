/** What needs Node looks it up when it is used: a bundle for browsers imports nothing of Node. */
import { describe, expect, it } from "vitest"
import { browserBundle } from "../support/browserBundle.ts"

describe("browser", () => {
  it.each(["rescind/fibers", "rescind/combinators", "rescind/http"])(
    "the whole of %s can be bundled for it",
    { timeout: 30_000 },
    async (from) => {
      const chunks = await browserBundle(`import * as all from "${from}"\nconsole.log(all)`, "esm")
      expect(chunks.flatMap(({ imports }) => imports)).toEqual([])
    }
  )
})
