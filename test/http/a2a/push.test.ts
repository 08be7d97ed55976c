import type * as A2A from "@a2a-js/sdk"
import type { PushNotificationStore } from "@a2a-js/sdk/server"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
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
  return AgentEngine.make(agent, { card, push })
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
