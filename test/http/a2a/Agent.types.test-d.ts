import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { describe, expectTypeOf, it } from "vitest"
import type { Tasks } from "../../../src/fibers/Tasks.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import * as AgentEngine from "../../../src/http/a2a/AgentEngine.ts"
import * as Card from "../../../src/http/a2a/Card.ts"
import * as Content from "../../../src/http/a2a/Content.ts"

class Model extends Context.Service<Model, { readonly answer: (prompt: string) => Effect.Effect<string> }>()("Model") {}
class Broken extends Schema.TaggedError<Broken>()("Broken", {}) {}

describe("an agent of one's own (S2-73)", () => {
  it("is an effect or a stream of content, and says which services it needs", () => {
    const one = Agent.make("one", {
      description: "",
      run: ({ text }) => Effect.flatMap(Model, ({ answer }) => answer(text))
    })
    expectTypeOf(one).toEqualTypeOf<Agent.Agent<Model>>()
    const many = Agent.make("many", { description: "", run: () => Stream.make("a", Content.data({ b: 1 })) })
    expectTypeOf(many).toEqualTypeOf<Agent.Agent<never>>()
    const silent = Agent.make("silent", { description: "", run: ({ say }) => say("hm") })
    expectTypeOf(silent).toEqualTypeOf<Agent.Agent<never>>()
  })

  it("has a scope of its own, and may fail with whatever it likes", () => {
    const agent = Agent.make("scoped", {
      description: "",
      run: () =>
        Effect.andThen(
          Effect.addFinalizer(() => Effect.void),
          Effect.fail(new Broken())
        )
    })
    expectTypeOf(agent).toEqualTypeOf<Agent.Agent<never>>()
  })

  it("is run where its services are", () => {
    const agent = Agent.make("one", { description: "", run: () => Effect.asVoid(Model) })
    const engine = AgentEngine.make(agent, { card: Card.make(agent, { interfaces: [] }) })
    expectTypeOf(engine).toEqualTypeOf<Effect.Effect<AgentEngine.AgentEngine, never, Tasks | Scope.Scope | Model>>()
  })

  it("does not give what is no content", () => {
    expectTypeOf(Effect.succeed(1)).not.toExtend<Agent.Run<never>>()
    // @ts-expect-error A number is none.
    Agent.make("number", { description: "", run: () => Effect.succeed(1) })
    // @ts-expect-error Neither is a promise.
    Agent.make("promise", { description: "", run: () => Promise.resolve("a") })
  })
})
