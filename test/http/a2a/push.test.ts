import type * as A2A from "@a2a-js/sdk"
import type { PushNotificationStore } from "@a2a-js/sdk/server"
import type { A2AError } from "@a2a-js/sdk/errors"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import * as AgentEngine from "../../../src/http/a2a/AgentEngine.ts"
import * as Card from "../../../src/http/a2a/Card.ts"
import { callOf, requestOf, stateOf, withEngine, wordOf } from "./engines.ts"

const configOf = (url: string, fields?: Partial<A2A.TaskPushNotificationConfig>): A2A.TaskPushNotificationConfig => ({
  tenant: "",
  id: "",
  taskId: "",
  url,
  token: "",
  authentication: undefined,
  ...fields
})

const webhook = "http://client.test/hook"

/** Remembers what it was to send, and where to; each takes until its promise is settled. */
const recorder = (send: (words: string) => Promise<void> = () => Promise.resolve()) => {
  const sent: Array<string> = []
  const sender = (store: PushNotificationStore) => ({
    send: (response: A2A.StreamResponse, call: ReturnType<typeof callOf>) => {
      const { payload } = response
      const id =
        payload?.$case === "task" ? payload.value.id : payload?.$case === "message" ? "" : payload!.value.taskId
      return store.load(id, call).then((configs) => {
        for (const { url } of configs) sent.push(`${url.replace(webhook, "")} ${wordOf(response)}`.trim())
        return send(wordOf(response))
      })
    }
  })
  return { sent, sender }
}

const pushing = (run: Agent.Options<unknown, never>["run"], push: AgentEngine.PushOptions) => {
  const agent = Agent.make("agent", { description: "Under test", run })
  const card = Card.make(agent, { interfaces: ["http://agent.test/"], pushNotifications: true })
  // On the test clock nothing ends the patience of a test that fails.
  return AgentEngine.make(agent, { card, push: { flush: 0, ...push } })
}

const waited = Effect.promise(() => new Promise((resolve) => setImmediate(resolve))).pipe(Effect.repeat({ times: 20 }))

describe("push notifications", () => {
  it.effect("go to the webhook that came with the message, from its first event to its end", () => {
    const { sender, sent } = recorder()
    return Effect.gen(function* () {
      const engine = yield* pushing(({ artifact }) => artifact("a"), { sender })
      const config = { taskPushNotificationConfig: configOf(webhook) }
      const { taskId } = yield* engine.send(requestOf("go", {}, config), callOf())
      yield* waited
      expect(sent).toEqual(["SUBMITTED", "WORKING", "=a", "COMPLETED"])
      const { configs } = yield* engine.push.list({ tenant: "", taskId, pageSize: 0, pageToken: "" }, callOf())
      expect(configs).toMatchObject([{ url: webhook, taskId }])
    }).pipe(Effect.scoped, Effect.provide(Tasks.layer()))
  })

  it.effect(
    "that are registered later begin with the task as it is, or with what is told next, and end when they are deleted",
    () => {
      const { sender, sent } = recorder()
      return Effect.gen(function* () {
        const engine = yield* pushing(
          ({ say }) =>
            Effect.forEach([1, 2], (n) => Effect.andThen(Effect.sleep("1 second"), say(`${n}`)), { discard: true }),
          { sender }
        )
        const { taskId } = yield* engine.send(requestOf("go"), callOf())
        yield* TestClock.adjust(0)
        const one = yield* engine.push.create(configOf(`${webhook}/1`, { taskId }), callOf())
        const two = yield* engine.push.create(configOf(`${webhook}/2`, { taskId, id: "two" }), callOf())
        expect(two.id).toBe("two")
        yield* Effect.andThen(waited, TestClock.adjust("1 second"))
        yield* waited
        yield* engine.push.delete({ tenant: "", taskId, id: one.id }, callOf())
        yield* Effect.andThen(TestClock.adjust("1 second"), waited)
        expect(sent).toEqual(["/1 WORKING", "/1 WORKING 1", "/2 WORKING 1", "/2 WORKING 2", "/2 COMPLETED"])
      }).pipe(Effect.scoped, Effect.provide(Tasks.layer()))
    }
  )

  it.effect("that never arrive, or fail, hold up neither a cancel nor the end of the task", () => {
    const { sender, sent } = recorder((words) =>
      words === "SUBMITTED" ? Promise.reject(new Error("refused")) : new Promise(() => {})
    )
    const logged: Array<string> = []
    const logger = Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const engine = yield* Scope.provide(
        pushing(() => Effect.never, { sender, flush: "5 seconds" }),
        scope
      )
      const config = { taskPushNotificationConfig: configOf(webhook) }
      const { taskId } = yield* engine.send(requestOf("go", {}, config), callOf())
      yield* waited
      expect(sent).toEqual(["SUBMITTED", "WORKING"])
      expect(logged.join()).toContain(`A push notification of the task "${taskId}" failed`)
      expect(stateOf(yield* engine.cancel({ tenant: "", id: taskId, metadata: undefined }, callOf()))).toBe("CANCELED")
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("4999 millis")
      expect(closing.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("1 millis")
      yield* Effect.repeat(Effect.yieldNow, { times: 20 })
      expect(closing.pollUnsafe()).toBeDefined()
    }).pipe(Effect.provide(Layer.merge(Tasks.layer(), logger)))
  })

  it.effect("are looked up with the services of the engine, whoever sends them", () => {
    const times: Array<number> = []
    const { sender, sent } = recorder()
    const clocked = Effect.map(Tasks, (tasks) => ({
      ...tasks,
      get: (id: string) =>
        Effect.andThen(
          Effect.map(Clock.currentTimeMillis, (now) => void times.push(now)),
          tasks.get(id)
        )
    }))
    return Effect.gen(function* () {
      yield* TestClock.adjust("1 second")
      const engine = yield* pushing(() => Effect.void, { sender })
      yield* engine.send(requestOf("go", {}, { taskPushNotificationConfig: configOf(webhook) }), callOf())
      yield* waited
      expect(sent).toEqual(["SUBMITTED", "WORKING", "COMPLETED"])
      expect(times).toEqual([1000, 1000, 1000])
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.effect(Tasks, clocked as never).pipe(Layer.provide(Tasks.layer())) as Layer.Layer<Tasks>)
    )
  })

  it.effect("may be no more than the limit for one task; one in the place of another is not one more", () =>
    Effect.gen(function* () {
      const { sender } = recorder()
      const engine = yield* pushing(({ ask }) => Effect.asVoid(ask("which?")), { sender, limit: 2 })
      const { taskId, settled } = yield* engine.send(requestOf("go"), callOf())
      yield* settled
      const create = (id: string, path = id) =>
        engine.push.create(configOf(`${webhook}/${path}`, { taskId, id }), callOf())
      const paths = Effect.map(
        engine.push.list({ tenant: "", taskId, pageSize: 0, pageToken: "" }, callOf()),
        ({ configs }) => configs.map(({ id, url }) => `${id} ${url.replace(webhook, "")}`)
      )
      yield* create("1")
      yield* create("2")
      yield* create("1", "new")
      expect(yield* paths).toEqual(["2 /2", "1 /new"])
      const error = yield* Effect.flip(create("3"))
      expect([error.name, error.message]).toEqual([
        "UnsupportedOperationError",
        `The task "${taskId}" has 2 webhooks, and may have no more; delete one first`
      ])
      // Nor by the way of a message, which then is not taken: the task still asks.
      const more = { taskPushNotificationConfig: configOf(`${webhook}/3`) }
      const refused = yield* Effect.flip(engine.send(requestOf("x", { taskId }, more), callOf()))
      expect(refused.name).toBe("UnsupportedOperationError")
      expect(stateOf(yield* engine.get({ tenant: "", id: taskId }, callOf()))).toBe("INPUT_REQUIRED")
      yield* engine.push.delete({ tenant: "", taskId, id: "2" }, callOf())
      const last = yield* engine.send(requestOf("x", { taskId }, more), callOf())
      expect(stateOf(yield* last.settled)).toBe("COMPLETED")
      expect(yield* paths).toEqual(["1 /new", expect.stringMatching(/^\S{36} \/3$/)])
      // Of an ended task they are kept, and not without bounds either.
      expect((yield* Effect.flip(create("4"))).name).toBe("UnsupportedOperationError")
    }).pipe(Effect.scoped, Effect.provide(Tasks.layer()))
  )

  it.effect("are 16 for one task by default", () =>
    Effect.gen(function* () {
      const engine = yield* pushing(() => Effect.never, recorder())
      const { taskId } = yield* engine.send(requestOf("go"), callOf())
      const create = engine.push.create(configOf(webhook, { taskId }), callOf())
      yield* Effect.repeat(create, { times: 15 })
      expect((yield* Effect.flip(create)).message).toContain("has 16 webhooks")
      // A limit for each: another task has its own.
      const config = { taskPushNotificationConfig: configOf(webhook) }
      expect((yield* engine.send(requestOf("go", {}, config), callOf())).taskId).not.toBe(taskId)
      for (const limit of [0, -1, 1.5, Number.NaN, "2"]) {
        const cause = yield* Effect.flip(Effect.sandbox(pushing(() => Effect.never, { limit: limit as number })))
        expect(String(Cause.squash(cause))).toBe(
          `TypeError: push.limit: ${limit} is no number of webhooks; write it as 16`
        )
      }
    }).pipe(Effect.scoped, Effect.provide(Tasks.layer()))
  )

  it.effect("that come with each message of a conversation are one, with what the last one says of it", () =>
    Effect.gen(function* () {
      const { sender, sent } = recorder()
      const engine = yield* pushing(({ ask }) => Effect.asVoid(Effect.repeat(ask("which?"), { times: 20 })), { sender })
      const sending = (token: string, taskId: string) =>
        Effect.flatMap(
          engine.send(
            requestOf("go", { taskId }, { taskPushNotificationConfig: configOf(webhook, { token }) }),
            callOf()
          ),
          ({ settled }) => settled
        )
      const { id } = yield* sending("0", "")
      yield* Effect.andThen(
        waited,
        Effect.sync(() => sent.splice(0))
      )
      for (let n = 1; n <= 20; n++) yield* sending(`${n}`, id)
      yield* waited
      expect(sent.slice(0, 2)).toEqual(["WORKING", "INPUT_REQUIRED which?"])
      expect(sent).toHaveLength(40)
      const { configs } = yield* engine.push.list({ tenant: "", taskId: id, pageSize: 0, pageToken: "" }, callOf())
      expect(configs).toMatchObject([{ url: webhook, token: "20" }])
    }).pipe(Effect.scoped, Effect.provide(Tasks.layer()))
  )

  it.effect("are told, or not kept, whenever the client leaves that registers them", () =>
    Effect.gen(function* () {
      let kept = 0
      for (const way of ["create", "message"]) {
        // So many operations until it is interrupted.
        for (let steps = 3; steps < 60; steps++) {
          const { sender, sent } = recorder()
          const engine = yield* pushing(({ ask }) => Effect.asVoid(Effect.andThen(ask("one?"), ask("two?"))), {
            sender
          })
          const { settled, taskId } = yield* engine.send(requestOf("go"), callOf())
          yield* settled
          const config = configOf(webhook, { taskId })
          const registering: Effect.Effect<unknown, A2AError> =
            way === "create"
              ? engine.push.create(config, callOf())
              : engine.send(requestOf("1", { taskId }, { taskPushNotificationConfig: config }), callOf())
          const client = yield* registering.pipe(
            Effect.provideService(Scheduler.MaxOpsBeforeYield, steps),
            Effect.forkChild({ startImmediately: true })
          )
          yield* Fiber.interrupt(client)
          yield* Effect.repeat(Effect.yieldNow, { times: 20 })
          const { configs } = yield* engine.push.list({ tenant: "", taskId, pageSize: 0, pageToken: "" }, callOf())
          yield* engine.cancel({ tenant: "", id: taskId, metadata: undefined }, callOf())
          yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
          const told = configs.length === 0 ? undefined : "CANCELED Task was cancelled"
          expect([way, steps, sent.at(-1)]).toEqual([way, steps, told])
          kept += configs.length
        }
      }
      expect(kept).toBeGreaterThan(20)
    }).pipe(Effect.scoped, Effect.provide(Tasks.layer()))
  )

  it.effect("go nowhere near the server unless it says so", () =>
    Effect.gen(function* () {
      const near = ["http://localhost:80/", "http://127.0.0.1/", "http://169.254.169.254/latest", "http://[::1]/hook"]
      const engine = yield* pushing(() => Effect.never, recorder())
      const { taskId } = yield* engine.send(requestOf("go"), callOf())
      const create = (engine: AgentEngine.AgentEngine, taskId: string, url: string) =>
        engine.push.create(configOf(url, { taskId }), callOf())
      for (const url of near) {
        const error = yield* Effect.flip(create(engine, taskId, url))
        expect([error.name, error.message]).toEqual([
          "RequestMalformedError",
          `url: notifications may not be sent to "${new URL(url).origin}"`
        ])
        const config = { taskPushNotificationConfig: configOf(url) }
        expect((yield* Effect.flip(engine.send(requestOf("go", {}, config), callOf()))).name).toBe(error.name)
      }
      expect((yield* create(engine, taskId, webhook)).url).toBe(webhook)
      const open = yield* pushing(() => Effect.never, { ...recorder(), allow: () => true })
      const { taskId: other } = yield* open.send(requestOf("go"), callOf())
      for (const url of near) expect((yield* create(open, other, url)).url).toBe(url)
      // From JavaScript: what does not say yes says no.
      for (const answer of [undefined, 0, Promise.resolve(true)]) {
        const engine = yield* pushing(() => Effect.never, { ...recorder(), allow: () => answer as never })
        const { taskId } = yield* engine.send(requestOf("go"), callOf())
        expect((yield* Effect.flip(create(engine, taskId, webhook))).name).toBe("RequestMalformedError")
      }
    }).pipe(Effect.scoped, Effect.provide(Tasks.layer()))
  )

  it.effect("of a message to an agent that has none are refused, and the message with them", () =>
    withEngine(
      ({ ask }) => Effect.asVoid(ask("which?")),
      (engine) =>
        Effect.gen(function* () {
          const config = { taskPushNotificationConfig: configOf(webhook) }
          const error = yield* Effect.flip(engine.send(requestOf("go", {}, config), callOf()))
          expect(error.name).toBe("PushNotificationNotSupportedError")
          expect(yield* Effect.flatMap(Tasks, ({ list }) => list)).toEqual([])
          const { id } = yield* Effect.flatMap(engine.send(requestOf("go"), callOf()), ({ settled }) => settled)
          const next = yield* Effect.flip(engine.send(requestOf("x", { taskId: id }, config), callOf()))
          expect(next.name).toBe("PushNotificationNotSupportedError")
          expect(stateOf(yield* engine.get({ tenant: "", id }, callOf()))).toBe("INPUT_REQUIRED")
        })
    )
  )

  it.effect("are refused for what is no URL, for where they may not go, and by an agent that has none", () =>
    Effect.gen(function* () {
      const { sender } = recorder()
      const engine = yield* pushing(() => Effect.never, { sender, allow: ({ hostname }) => hostname !== "10.0.0.1" })
      const { taskId } = yield* engine.send(requestOf("go"), callOf())
      for (const url of ["", "hook", "file:///etc/passwd", "http://10.0.0.1/"]) {
        const error = yield* Effect.flip(engine.push.create(configOf(url, { taskId }), callOf()))
        expect([url, error.name]).toEqual([url, "RequestMalformedError"])
        const config = { taskPushNotificationConfig: configOf(url) }
        expect((yield* Effect.flip(engine.send(requestOf("go", {}, config), callOf()))).name).toBe(
          "RequestMalformedError"
        )
      }
      const unknown = engine.push.get({ tenant: "", taskId, id: "none" }, callOf())
      expect((yield* Effect.flip(unknown)).name).toBe("TaskNotFoundError")
      const stranger = engine.push.list({ tenant: "", taskId, pageSize: 0, pageToken: "" }, callOf({ user: "bob" }))
      expect((yield* Effect.flip(stranger)).name).toBe("TaskNotFoundError")
      yield* withEngine(
        () => Effect.never,
        (engine) =>
          Effect.gen(function* () {
            const error = yield* Effect.flip(engine.push.create(configOf(webhook, { taskId }), callOf()))
            expect(error.name).toBe("PushNotificationNotSupportedError")
          })
      )
    }).pipe(Effect.scoped, Effect.provide(Tasks.layer()))
  )
})
