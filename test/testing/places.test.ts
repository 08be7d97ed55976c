import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { ofOperation, ownerOf, placesOf, show, usersOf } from "../../src/testing/internal/diagnosis/places.ts"

const frames = (...texts: ReadonlyArray<string>): string => ["Error: here", ...texts].join("\n    at ")

const place = (file: string) => ({ file, line: 1, column: 1, within: "" })

describe("places", () => {
  it("are read from frames of every shape", () => {
    const stack = frames(
      "pay (/app/pay.ts:12:3)",
      "file:///app/with%20space.ts?v=1:4:5",
      "async Order.ship (/app/order.ts:6:7)",
      String.raw`C:\app\pay.ts:8:9`,
      "file:///C:/app/pay.ts:8:9",
      "new Promise (<anonymous>)",
      "Generator.next (<anonymous>)"
    )
    expect(placesOf(stack).map(({ file, line, column, within }) => [within, file, line, column])).toEqual([
      ["pay", "/app/pay.ts", 12, 3],
      ["", "/app/with space.ts", 4, 5],
      ["Order.ship", "/app/order.ts", 6, 7],
      ["", String.raw`C:\app\pay.ts`, 8, 9],
      ["", "C:/app/pay.ts", 8, 9]
    ])
  })

  it("of an operation end where the run loop begins: who called the checker has no part in it", () => {
    const effect = "/app/node_modules/effect/dist/internal/effect.js:476:97"
    const stack = frames(
      `succeed (${effect})`,
      "pay (/app/pay.ts:12:3)",
      `FiberImpl.runLoop (${effect})`,
      "/app/a.test.ts:1:1"
    )
    expect(ofOperation({ stack }).map(({ file }) => file)).toEqual([effect.split(":")[0], "/app/pay.ts"])
    const nobodys = frames(`succeed (${effect})`, `~effect/Effect/evaluate (${effect})`, "/app/a.test.ts:1:1")
    expect(usersOf(ofOperation({ stack: nobodys }))).toBeUndefined()
  })

  it("are somebody's", () => {
    expect(ownerOf(place("/app/node_modules/.pnpm/effect@4.1.0/node_modules/effect/dist/Effect.js"))).toBe("effect")
    expect(ownerOf(place("/app/node_modules/@effect/vitest/dist/index.js"))).toBe("effect")
    expect(ownerOf(place("/app/node_modules/nanoid/index.js"))).toBe("library")
    expect(ownerOf(place("node:internal/timers"))).toBe("host")
    const source = fileURLToPath(new URL("../../src/", import.meta.url))
    expect(ownerOf(place(`${source}fibers/Task.ts`))).toBe("rescind")
    expect(ownerOf(place(`${source}examples/server/main.ts`))).toBe("user")
    expect(ownerOf(place("/app/src/pay.ts"))).toBe("user")
  })

  it("are shown with the text of their line, where it can be read", () => {
    const file = fileURLToPath(import.meta.url)
    expect(show({ ...place(file), line: 2 })).toBe(
      '`import { describe, expect, it } from "vitest"` at test/testing/places.test.ts:2'
    )
    expect(show(place("/nowhere/pay.ts"))).toBe("/nowhere/pay.ts:1")
  })
})
