import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import { CancelResult } from "../../src/fibers/CancelResult.ts"
import * as TaskOutcome from "../../src/fibers/TaskOutcome.ts"

const reason = CancelReason.stamp(CancelReason.request({ by: "ann", detail: { n: 1 } }), "task", 1234)
const none = { cleanupFailures: [], salvaged: [] }

class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { path: Schema.String }) {}

const codec = TaskOutcome.codec({
  success: Schema.DateTimeUtcFromString,
  error: NotFound,
  partial: Schema.Struct({ done: Schema.Number })
})
const roundTrip = (outcome: typeof codec.Type): typeof codec.Type =>
  Schema.decodeUnknownSync(codec)(JSON.parse(JSON.stringify(Schema.encodeSync(codec)(outcome))))

describe("TaskOutcome", () => {
  it("Completed, Cancelled and typed Failed come back equal through JSON (K21)", () => {
    for (const outcome of [
      { _tag: "Completed", value: reason.at, ...none },
      { _tag: "Failed", cause: Cause.fail(new NotFound({ path: "/x" })), ...none },
      { _tag: "Cancelled", reason, how: "interrupted", took: Duration.millis(70), partial: { done: 3 }, ...none },
      { _tag: "Cancelled", reason, how: "abandoned", took: Duration.zero, ...none },
      { _tag: "Cancelled", reason, how: "cooperative", took: Duration.millis(0.5), ...none }
    ] as ReadonlyArray<typeof codec.Type>) {
      expect(roundTrip(outcome)).toEqual(outcome)
    }
  })

  it("a defect and a clean-up failure keep name and message (K21)", () => {
    const cleanupFailures = [{ scope: "task", cause: Cause.die(new TypeError("clean-up")) }]
    const back = roundTrip({
      _tag: "Failed",
      cause: Cause.die(new RangeError("too far")),
      cleanupFailures,
      salvaged: []
    })
    const error = back._tag === "Failed" ? (Cause.squash(back.cause) as Error) : undefined
    expect([error?.name, error?.message]).toEqual(["RangeError", "too far"])
    const cleanup = Cause.squash(back.cleanupFailures[0]!.cause) as Error
    expect([back.cleanupFailures[0]!.scope, cleanup.name, cleanup.message]).toEqual(["task", "TypeError", "clean-up"])
  })

  it("what was salvaged stays in process (K21)", () => {
    const json = JSON.stringify(
      Schema.encodeSync(codec)({
        _tag: "Completed",
        value: reason.at,
        cleanupFailures: [],
        salvaged: [{ scope: "secret", value: 1 }]
      })
    )
    expect(json).not.toContain("secret")
  })

  it("refuses an unknown outcome and a wrong value (K21)", () => {
    for (const bad of [null, {}, { _tag: "Ended" }, { _tag: "Completed", value: 1, cleanupFailures: [] }]) {
      expect(() => Schema.decodeUnknownSync(codec)(bad)).toThrow(/Expected|Missing/)
    }
  })

  it("toExit carries the reason on the interrupt, fromExit reads it (K22)", () => {
    const exit = TaskOutcome.toExit<number, never, never>({
      _tag: "Cancelled",
      reason,
      how: "interrupted",
      took: Duration.zero,
      ...none
    })
    expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
    expect(Option.getOrThrow(CancelReason.fromExit(exit))).toBe(reason)
    expect(TaskOutcome.toExit({ _tag: "Completed", value: 1, ...none })).toEqual(Exit.succeed(1))
  })
})

describe("CancelResult", () => {
  it("every case comes back equal through JSON (K21)", () => {
    const json = Schema.fromJsonString(Schema.toCodecJson(CancelResult))
    const took = Duration.millis(2010)
    for (const result of [
      { _tag: "Cancelled", id: "a", reason, how: "interrupted", took },
      { _tag: "AlreadyCancelled", id: "a", reason, how: "abandoned", took },
      { _tag: "AlreadyCompleted", id: "a", duringGrace: true },
      { _tag: "AlreadyFailed", id: "a", duringGrace: false },
      { _tag: "Requested", id: "a", reason },
      { _tag: "NotFound", id: "a" }
    ] as ReadonlyArray<CancelResult>) {
      expect(Schema.decodeSync(json)(Schema.encodeSync(json)(result))).toEqual(result)
    }
  })
})
