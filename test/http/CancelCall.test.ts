import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as CancelCall from "../../src/http/CancelCall.ts"

const decode = Schema.decodeUnknownExit(CancelCall.Patience)

describe("CancelCall", () => {
  it("patience is words, or a number of milliseconds, of zero or more", () => {
    for (const [input, millis] of [
      ["2 seconds", 2000],
      ["1 minute", 60_000],
      [500, 500],
      [0, 0],
      [0.5, 0.5],
      ["Infinity", Infinity]
    ] as const) {
      expect([input, Exit.map(decode(input), Duration.toMillis)]).toEqual([input, Exit.succeed(millis)])
    }
    for (const input of [
      "",
      "soon",
      "2",
      "2 lightyears",
      "-1 seconds",
      "-Infinity",
      // A number of a million digits would be looked at for a quarter of a second.
      `${"9".repeat(100)} seconds`,
      -1,
      NaN,
      Infinity,
      null,
      {},
      [1, 2]
    ]) {
      expect([input, decode(input)._tag]).toEqual([input, "Failure"])
    }
  })

  it("what is encoded decodes to the same", () => {
    for (const duration of [Duration.zero, Duration.seconds(3), Duration.infinity]) {
      const encoded = Schema.encodeSync(CancelCall.Patience)(duration)
      expect(JSON.parse(JSON.stringify(encoded))).toBe(encoded)
      expect(decode(encoded)).toEqual(Exit.succeed(duration))
    }
  })
})
