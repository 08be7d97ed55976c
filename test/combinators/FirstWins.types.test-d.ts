import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { describe, expectTypeOf, it } from "vitest"
import * as FirstWins from "../../src/combinators/FirstWins.ts"
import type { Loser } from "../../src/combinators/Loser.ts"
import type { RaceFailed } from "../../src/combinators/RaceFailed.ts"
import type { Visit } from "../../src/combinators/Visit.ts"

class Mail extends Context.Service<Mail, { readonly host: string }>()("Mail") {}

declare const text: Effect.Effect<string, "bounced", Mail | Scope.Scope>
declare const count: Effect.Effect<number, "busy">

declare const decideAnyhow: Effect.Effect<boolean, "gave up", Mail>

type Answer = "approved" | "denied"
declare const answer: Effect.Effect<Answer, "bounced">

const plain = () => FirstWins.run("m", () => ({ text, count }))
const dropping = () => FirstWins.run("m", () => ({ text, count }), { onFailure: "fail-branch" })
const handling = () =>
  FirstWins.run("m", () => ({ count }), {
    onFailure: ({ cause, path }) => {
      expectTypeOf(path).toEqualTypeOf<string>()
      expectTypeOf(cause).toEqualTypeOf<Cause.Cause<"busy">>()
      return decideAnyhow
    }
  })
const annotated = () =>
  FirstWins.run("m", (visit: Visit<Answer, "manual" | "email">) => {
    expectTypeOf(visit.arrive).parameters.toEqualTypeOf<["manual" | "email", Answer]>()
    return { email: answer }
  })

describe("FirstWins.run", () => {
  it("the winner narrows the value to the type of its branch (K24)", () => {
    type Report = Effect.Success<ReturnType<typeof plain>>
    expectTypeOf<Report["winner"]>().toEqualTypeOf<"text" | "count">()
    expectTypeOf<Extract<Report, { readonly winner: "text" }>["value"]>().toEqualTypeOf<string>()
    expectTypeOf<Report["losers"]["count"]>().toEqualTypeOf<Loser<number, "busy"> | undefined>()
    expectTypeOf<Report["stragglers"]>().toEqualTypeOf<ReadonlyArray<"text" | "count">>()
  })

  it("its errors are those of the branches, and RaceFailed; its services are theirs", () => {
    expectTypeOf<Effect.Error<ReturnType<typeof plain>>>().toEqualTypeOf<
      "bounced" | "busy" | RaceFailed<"bounced" | "busy">
    >()
    expectTypeOf<Effect.Services<ReturnType<typeof plain>>>().toEqualTypeOf<Mail | Scope.Scope>()
  })

  it("with fail-branch only RaceFailed is left", () => {
    expectTypeOf<Effect.Error<ReturnType<typeof dropping>>>().toEqualTypeOf<RaceFailed<"bounced" | "busy">>()
  })

  it("a handler sees the failures of the branches, and has its own in their place", () => {
    type Run = ReturnType<typeof handling>
    expectTypeOf<Effect.Success<Run>["value"]>().toEqualTypeOf<number | boolean>()
    expectTypeOf<Effect.Error<Run>>().toEqualTypeOf<"gave up" | RaceFailed<"gave up">>()
    expectTypeOf<Effect.Services<Run>>().toEqualTypeOf<Mail>()
  })

  it("who arrives from outside is named by the annotation of the handle, and may win", () => {
    type Report = Effect.Success<ReturnType<typeof annotated>>
    expectTypeOf<Report["winner"]>().toEqualTypeOf<"manual" | "email">()
    expectTypeOf<Report["value"]>().toEqualTypeOf<Answer>()
  })
})

const merge = FirstWins.make<Answer, "manual">("approval")
// @ts-expect-error a number is no answer
const wrongBranch = () => merge.visit({ count })
const visit = () => merge.visit((visit) => ({ email: Effect.andThen(visit.state, answer) }))
const wrongArrivals = (visit: Visit<Answer, "manual">) => [
  // @ts-expect-error no such path
  visit.arrive("phone", "approved"),
  // @ts-expect-error no such answer
  visit.arrive("manual", "perhaps")
]
const step = (visit: Visit<Answer>) => visit.step("s", count, (value) => Effect.as(text, value))

describe("FirstWins.make", () => {
  it("a branch must arrive with a decision", () => {
    expectTypeOf(wrongBranch).toBeFunction()
    expectTypeOf<Effect.Success<ReturnType<typeof visit>>["winner"]>().toEqualTypeOf<"email" | "manual">()
  })

  it("only a declared path arrives from outside", () => {
    expectTypeOf(wrongArrivals).toBeFunction()
  })

  it("a step has the types of its effect and the services of its undoing", () => {
    expectTypeOf<ReturnType<typeof step>>().toEqualTypeOf<Effect.Effect<number, "busy", Mail | Scope.Scope>>()
  })
})
