/** Calls over real sockets, of the SDK's own server and of ours behind its handlers; needs real time. */
import { describe, expect, it } from "@effect/vitest"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { TaskState } from "@a2a-js/sdk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as CancelReason from "../../../src/fibers/CancelReason.ts"
import * as Nursery from "../../../src/fibers/Nursery.ts"
import * as Task from "../../../src/fibers/Task.ts"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import * as RemoteAgent from "../../../src/http/a2a/RemoteAgent.ts"
import type { Question } from "../../../src/http/a2a/RemoteCall.ts"
import { serve } from "../../../src/examples/a2a-agent/chain/serve.ts"
import { leakChecked } from "../../support/leaks.ts"
import { type Binding, sdkServed, served } from "./expressAgents.ts"

const clients = { fetch: FetchHttpClient.layer, "node:http": NodeHttpClient.layerNodeHttp } as const

const live = <A, E>(
  law: string,
  test: (
    client: Layer.Layer<HttpClient.HttpClient>
  ) => Effect.Effect<A, E, Scope.Scope | Tasks | HttpClient.HttpClient>,
  client: Layer.Layer<HttpClient.HttpClient> = FetchHttpClient.layer
) =>
  it.live(law, () =>
    Effect.scoped(test(client)).pipe(
      Effect.provide([Layer.fresh(Tasks.layer()), Layer.fresh(client)]),
      // Sockets that the client closed are noticed a little later.
      (run) => leakChecked(run, { patience: "20 seconds" })
    )
  )

const notNeeded = CancelReason.request({ message: "not needed", by: "ann" })

/** Runs it as a task, and cancels that task when it is told to. */
const cancelledWhen = <A, E>(when: Effect.Effect<unknown>, effect: Effect.Effect<A, E>) =>
  Nursery.run("caller", (nursery: Nursery.Nursery<never>) =>
    Effect.gen(function* () {
      const task = yield* nursery.spawn("ask", Effect.ignore(effect))
      yield* when
      yield* Task.cancel(task, { reason: notNeeded })
      return yield* Task.await(task)
    })
  )

/** An agent that says two words, then works for ever, and tells how it ended. */
const working = Effect.gen(function* () {
  const ended = yield* Deferred.make<Option.Option<CancelReason.CancelReason>>()
  const begun = yield* Deferred.make<void>()
  const agent = Agent.make("worker", {
    description: "Under test",
    onDisconnect: "cancel",
    run: () =>
      Stream.concat(Stream.make("one ", "two "), Stream.fromEffectDrain(Deferred.succeed(begun, undefined))).pipe(
        Stream.concat(Stream.never),
        Stream.onExit((exit) =>
          Exit.isFailure(exit)
            ? Effect.flatMap(CancelReason.current, (reason) => Deferred.succeed(ended, reason))
            : Effect.void
        )
      )
  })
  return { agent, begun: Deferred.await(begun), ended: Deferred.await(ended) }
})

const bindings: ReadonlyArray<Binding> = ["JSONRPC", "HTTP+JSON"]

describe("RemoteAgent over sockets (real time)", () => {
  for (const binding of bindings) {
    for (const [name, client] of Object.entries(clients)) {
      live(
        `${binding} by ${name}: the answer of an agent of the SDK's own server`,
        () =>
          Effect.gen(function* () {
            const { url } = yield* sdkServed(binding, 5)
            const remote = yield* RemoteAgent.make({ url })
            const { task, text } = yield* remote.ask("count")
            expect(text).toBe("0 1 2 3 4 ")
            expect(task!.status!.state).toBe(TaskState.TASK_STATE_COMPLETED)
            expect(yield* remote.get(task!.id)).toMatchObject({ id: task!.id })
            const refused = yield* Effect.flip(remote.cancel(task!.id))
            expect(refused).toMatchObject({ _tag: "AgentRefused", error: { reason: "TASK_NOT_CANCELABLE" } })
            const unknown = yield* Effect.flip(remote.get("none"))
            expect(unknown).toMatchObject({ error: { reason: "TASK_NOT_FOUND" } })
          }),
        client
      )

      live(
        `${binding} by ${name}: an interrupt stops the work of the SDK's own server`,
        () =>
          Effect.gen(function* () {
            const { stopped, url } = yield* sdkServed(binding, 100_000)
            const remote = yield* RemoteAgent.make({ url })
            const events = yield* Queue.unbounded<unknown>()
            const outcome = yield* cancelledWhen(
              Effect.replicateEffect(Queue.take(events), 4),
              remote.ask("count", { onEvent: (event) => Queue.offer(events, event) })
            )
            expect(outcome._tag).toBe("Cancelled")
            // Before the caller had ended: it waited for that.
            expect(stopped).toEqual(["cancelled"])
          }),
        client
      )

      live(
        `${binding} by ${name}: an interrupt stops ours with its reason, and not with that of the connection`,
        () =>
          Effect.gen(function* () {
            const { agent, begun, ended } = yield* working
            const { url } = yield* served(agent, binding)
            const remote = yield* RemoteAgent.make({ url })
            yield* cancelledWhen(begun, remote.ask("work"))
            const reason = Option.getOrThrow(yield* ended)
            // Not `disconnect`. What REST says of it the SDK's server drops.
            expect(reason).toMatchObject(
              binding === "JSONRPC"
                ? { source: "request", message: "not needed", by: "ann" }
                : { source: "request", message: "Task was cancelled" }
            )
          }),
        client
      )
    }

    live(`${binding}: an answer that is cut off is followed on another connection`, () =>
      Effect.gen(function* () {
        const more = yield* Deferred.make<void>()
        const agent = Agent.make("cut", {
          description: "Under test",
          run: () => Stream.concat(Stream.make("one "), Stream.fromEffect(Effect.as(Deferred.await(more), "two")))
        })
        const { cut, url } = yield* served(agent, binding)
        const remote = yield* RemoteAgent.make({ url })
        let tasks = 0
        const asking = yield* Effect.forkChild(
          remote.ask("all", {
            onEvent: ({ payload }) => {
              if (payload?.$case === "artifactUpdate" && tasks === 1) return cut
              if (payload?.$case === "task" && ++tasks === 2) return Deferred.succeed(more, undefined)
              return Effect.void
            }
          })
        )
        expect((yield* Fiber.join(asking)).text).toBe("one two")
        expect(tasks).toBe(2)
      })
    )
  }

  for (const binding of bindings) {
    const remoteOf = (url: string) =>
      Effect.flatMap(RemoteAgent.make({ url }), ({ card }) => {
        const supportedInterfaces = card.supportedInterfaces.filter(
          ({ protocolBinding }) => protocolBinding === binding
        )
        return RemoteAgent.make({ card: { ...card, supportedInterfaces } })
      })

    live(
      `${binding}: an interrupt stops an agent of A2AServer with its reason, and reads one that it did not give`,
      () =>
        Effect.gen(function* () {
          const { agent, begun, ended } = yield* working
          const remote = yield* remoteOf(yield* serve(agent))
          yield* cancelledWhen(begun, remote.ask("work"))
          expect(Option.getOrThrow(yield* ended)).toMatchObject({ source: "request", message: "not needed", by: "ann" })
          const caught = yield* Effect.flip(
            remote.ask("work", {
              onEvent: ({ payload }) =>
                payload?.$case === "artifactUpdate"
                  ? remote.cancel(payload.value.taskId, { message: "seen enough", by: "bob" })
                  : Effect.void
            })
          )
          expect(caught).toMatchObject({
            _tag: "AgentCancelled",
            how: "interrupted",
            reason: { source: "request", message: "seen enough", by: "bob" }
          })
        })
    )

    live(`${binding}: an agent of A2AServer asks, is answered, and says that it failed`, () =>
      Effect.gen(function* () {
        const agent = Agent.make("asker", {
          description: "Under test",
          run: (turn) =>
            Effect.flatMap(turn.ask("which?"), ({ parts }) =>
              turn.text === "fail" ? Effect.fail(new Error("too hard")) : Effect.succeed(parts)
            )
        })
        const remote = yield* remoteOf(yield* serve(agent))
        const answer = { onInput: ({ text }: Question) => Effect.succeed(`${text} this`) }
        expect((yield* remote.ask("cup", answer)).text).toBe("which? this")
        expect(yield* Effect.flip(remote.ask("fail", answer))).toMatchObject({
          _tag: "AgentFailed",
          message: 'Agent "asker" failed: too hard'
        })
        const refused = yield* Effect.flip(remote.ask([]))
        expect(refused).toMatchObject({ _tag: "AgentRefused", call: "SendStreamingMessage" })
      })
    )
  }

  live("an agent asks, and is answered in the same task", () =>
    Effect.gen(function* () {
      const agent = Agent.make("asker", {
        description: "Under test",
        run: (turn) => Effect.map(turn.ask(`which ${turn.text}?`), ({ parts }) => [...parts, ...parts])
      })
      const { url } = yield* served(agent)
      const remote = yield* RemoteAgent.make({ url })
      const { text } = yield* remote.ask("cup", { onInput: ({ text }) => Effect.succeed(`${text} this! `) })
      expect(text).toBe("which cup? this! which cup? this! ")
    })
  )

  live("a chain of three agents: a cancel of the first stops the last, with its reason (A2A #2119)", () =>
    Effect.gen(function* () {
      const { agent: last, begun, ended } = yield* working
      const third = yield* served(last)
      const passing = (name: string, to: string) =>
        Effect.map(RemoteAgent.make({ url: to }), (next) =>
          Agent.make(name, {
            description: "Asks the next",
            run: ({ text }) => Effect.map(next.ask(text), ({ parts }) => parts)
          })
        )
      const second = yield* served(yield* passing("second", third.url))
      const first = yield* served(yield* passing("first", second.url))
      const remote = yield* RemoteAgent.make({ url: first.url })
      const outcome = yield* cancelledWhen(begun, remote.ask("work"))
      expect(outcome._tag).toBe("Cancelled")
      expect(Option.getOrThrow(yield* ended)).toMatchObject({ source: "request", message: "not needed", by: "ann" })
      const tasks = yield* Tasks
      const states = (yield* tasks.list).map(({ state }) => state)
      expect(states).toEqual(["cancelled", "cancelled", "cancelled"])
    })
  )
})
