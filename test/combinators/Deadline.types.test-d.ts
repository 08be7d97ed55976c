import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { describe, expectTypeOf, it } from "vitest"
import * as Deadline from "../../src/combinators/Deadline.ts"
import type { DeadlineExceeded } from "../../src/combinators/DeadlineExceeded.ts"
import * as Shield from "../../src/fibers/Shield.ts"

declare const work: Effect.Effect<number, "no", Scope.Scope>

describe("Deadline types", () => {
  it("run adds its error and keeps value, failure and services, in both forms", () => {
    type Bounded = Effect.Effect<number, "no" | DeadlineExceeded, Scope.Scope>
    expectTypeOf(Deadline.run(work, "1 second")).toEqualTypeOf<Bounded>()
    expectTypeOf(work.pipe(Deadline.run("1 second", { name: "w" }))).toEqualTypeOf<Bounded>()
    expectTypeOf(Deadline.make("w", 10, () => work)).toEqualTypeOf<Bounded>()
  })

  it("catchTag takes the error away", () => {
    expectTypeOf(
      Effect.catchTag(Deadline.run(work, 10), "DeadlineExceeded", () => Effect.succeed("late" as const))
    ).toEqualTypeOf<Effect.Effect<number | "late", "no", Scope.Scope>>()
  })

  it("option adds no error", () => {
    type Optional = Effect.Effect<Option.Option<number>, "no", Scope.Scope>
    expectTypeOf(Deadline.option(work, 10)).toEqualTypeOf<Optional>()
    expectTypeOf(work.pipe(Deadline.option(10))).toEqualTypeOf<Optional>()
  })

  it("the handle and the readers", () => {
    Deadline.make("w", 10, (deadline) => {
      expectTypeOf(deadline.at).toEqualTypeOf<Effect.Effect<Option.Option<DateTime.Utc>>>()
      expectTypeOf(deadline.extend(10)).toEqualTypeOf<Effect.Effect<boolean>>()
      return work
    })
    expectTypeOf(Deadline.current).toEqualTypeOf<Effect.Effect<Option.Option<DateTime.Utc>>>()
    expectTypeOf(Deadline.remaining).toEqualTypeOf<Effect.Effect<Option.Option<Duration.Duration>>>()
  })

  it("a shield changes no type", () => {
    expectTypeOf(Shield.run("s", work)).toEqualTypeOf<typeof work>()
  })
})
