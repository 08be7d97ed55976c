import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Loser from "../../../../src/combinators/Loser.ts"
import { FetchFailed } from "../../../../src/examples/server/fetchFailed.ts"
import type { Page } from "../../../../src/examples/server/fetchPage.ts"
import { LoserReport, reportOf } from "../../../../src/examples/server/tasks/raceMirrorsTask.ts"
import * as CancelReason from "../../../../src/fibers/CancelReason.ts"

const url = "http://a.test/"
const page = { url, status: 200, bytes: 1, title: null, sha256: "00" }
const error = new FetchFailed({ url, kind: "status", message: "The server answered 503.", status: 503 })
const reason = CancelReason.stamp(CancelReason.lostRace({ by: "http://b.test/" }), "mirrors", 0)
const took = Duration.millis(7)
const cleanupFailures: ReadonlyArray<never> = []

const losers: ReadonlyArray<readonly [Loser.Loser<Page, FetchFailed>, object]> = [
  [{ _tag: "NotStarted" }, { url, end: "not-started" }],
  [
    { _tag: "Cancelled", reason, how: "interrupted", took, cleanupFailures },
    {
      url,
      end: "cancelled",
      reason: expect.objectContaining({ source: "lost-race", by: "http://b.test/" }),
      tookMillis: 7
    }
  ],
  [
    { _tag: "Failed", cause: Cause.fail(error), cleanupFailures },
    { url, end: "failed", error: { _tag: "FetchFailed", url, kind: "status", message: error.message, status: 503 } }
  ],
  [
    { _tag: "Failed", cause: Cause.die(new Error("secret")), cleanupFailures },
    { url, end: "failed" }
  ],
  [
    { _tag: "FinishedLate", value: page, took, cleanupFailures },
    { url, end: "finished-late", page, tookMillis: 7 }
  ]
]

describe("race-mirrors", () => {
  it.effect.each(losers)("reports a loser by its URL and its end, without internals: %j", ([loser, expected]) =>
    Effect.gen(function* () {
      const encode = Schema.encodeEffect(Schema.toCodecJson(LoserReport))
      expect(yield* encode(reportOf(url, loser))).toEqual(expected)
    })
  )
})
