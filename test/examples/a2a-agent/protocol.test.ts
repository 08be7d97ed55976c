/** The rows of S2 that are about the protocol, on the example's server: codes, idempotence, streams, states. Real time. */
import { TaskState } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { requestOf, stateOf } from "../../http/a2a/engines.ts"
import { eventually } from "../server/fetchEventually.ts"
import { serving, transports } from "./serving.ts"

interface Answer {
  readonly status: number
  readonly json: any
}

const post = (url: string, body: unknown): Effect.Effect<Answer> =>
  Effect.promise(async () => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "a2a-version": "1.0" },
      body: JSON.stringify(body)
    })
    const text = await response.text()
    return { status: response.status, json: text.startsWith("{") ? JSON.parse(text) : text }
  })

const rpc = (url: string, method: string, params: unknown): Effect.Effect<Answer> =>
  post(url, { jsonrpc: "2.0", id: 7, method, params })

const message = (fields: object) => ({ messageId: "1", role: "ROLE_USER", parts: [{ text: "slow 60000" }], ...fields })

const errorOf = <A>(effect: Effect.Effect<A, Error>): Effect.Effect<string> =>
  Effect.match(effect, { onFailure: ({ name }) => name, onSuccess: () => "no error" })

describe("the protocol (real time)", () => {
  it.live("the card names both bindings, each where it is served (S2x-06)", () =>
    serving(({ call, url }) =>
      Effect.gen(function* () {
        const card = yield* call((client) => client.getAgentCard())
        expect(card.supportedInterfaces).toMatchObject([
          { url, protocolBinding: "JSONRPC", protocolVersion: "1.0" },
          { url, protocolBinding: "HTTP+JSON", protocolVersion: "1.0" }
        ])
        expect(card.capabilities).toMatchObject({ streaming: true })
        expect(card.skills.map(({ id }) => id)).toEqual(["commands", "chat"])
      })
    )
  )

  it.live("a cancel answers the task as it is then, by each binding, and once more the same (S2x-06, S2x-08)", () =>
    serving(({ follow, get, url }) =>
      Effect.gen(function* () {
        const one = yield* follow("slow 60000")
        const two = yield* follow("slow 60000")
        const metadata = { reason: "Seen enough", by: "ann" }
        const cancel = () => rpc(url, "CancelTask", { id: one.taskId, metadata })
        const cancelTwo = () => post(`${url}/tasks/${two.taskId}:cancel`, { metadata })
        const [first, concurrent] = yield* Effect.all([cancel(), cancel()], { concurrency: 2 })
        const told = { source: "request", message: "Seen enough", by: "ann", how: "interrupted" }
        expect(first).toMatchObject({
          status: 200,
          json: {
            jsonrpc: "2.0",
            id: 7,
            result: { id: one.taskId, status: { state: "TASK_STATE_CANCELED" }, metadata: { rescind: told } }
          }
        })
        expect(concurrent).toEqual(first)
        expect(yield* cancel()).toEqual(first)
        const rest = yield* cancelTwo()
        expect(rest).toMatchObject({
          status: 200,
          json: {
            id: two.taskId,
            status: { state: "TASK_STATE_CANCELED", message: { parts: [{ text: "Seen enough (by ann)" }] } }
          }
        })
        expect(yield* cancelTwo()).toEqual(rest)
        expect(stateOf(yield* get(one.taskId))).toBe("CANCELED")
      })
    )
  )

  it.live("what has ended otherwise, and what nobody knows, has its code in each binding (S2x-07)", () =>
    serving(({ follow, url }) =>
      Effect.gen(function* () {
        const follower = yield* follow("echo done")
        yield* follower.ended
        const cases = [
          [follower.taskId, -32002, 400, "TASK_NOT_CANCELABLE"],
          ["nobody", -32001, 404, "TASK_NOT_FOUND"]
        ] as const
        for (const [id, code, status, reason] of cases) {
          const answer = yield* rpc(url, "CancelTask", { id })
          expect([answer.status, answer.json.error.code]).toEqual([200, code])
          expect(answer.json.error.data).toMatchObject([{ reason, domain: "a2a-protocol.org" }])
          const rest = yield* post(`${url}/tasks/${id}:cancel`, {})
          expect([rest.status, rest.json.error.details]).toMatchObject([status, [{ reason }]])
        }
      })
    )
  )

  it.live("a cancel waits as long as the settings say, and names what it gave up (S2-68, S2-46)", () =>
    serving(
      ({ calm, cancel, follow }) =>
        Effect.gen(function* () {
          const follower = yield* follow("stubborn 1500")
          const { taskId } = follower
          yield* follower.until((words) => words.includes("WORKING"))
          expect((yield* cancel(taskId)).metadata).toMatchObject({
            rescind: { how: "abandoned", stragglers: [taskId] }
          })
          yield* calm
        }),
      { giveUp: Duration.zero }
    )
  )

  it.live("a message without content, or to a task or context that is not there, starts nothing (S2x-13)", () =>
    serving(({ call, follow, url }) =>
      Effect.gen(function* () {
        const { taskId } = yield* follow("input")
        for (const [params, code] of [
          [{}, -32602],
          [{ message: message({ parts: [] }) }, -32602],
          [{ message: message({ messageId: "" }) }, -32602],
          [{ message: message({ taskId: "nobody" }) }, -32001],
          [{ message: message({ taskId, contextId: "another" }) }, -32602]
        ] as const) {
          const answer = yield* rpc(url, "SendMessage", params)
          expect([answer.status, answer.json.error?.code]).toEqual([200, code])
        }
        const { tasks } = yield* call((client) =>
          client.listTasks({ tenant: "", contextId: "", status: 0, pageToken: "", statusTimestampAfter: undefined })
        )
        expect(tasks.map(({ id }) => id)).toEqual([taskId])
      })
    )
  )
})

describe.each(transports)("streams and states, by %s (real time)", (transport) => {
  it.live("a stream begins with the task and closes at its end; an ended task has no other (S2x-09)", () =>
    serving(
      ({ follow, subscribe }) =>
        Effect.gen(function* () {
          const asking = yield* follow("input")
          expect(asking.events[0]!.payload!.$case).toBe("task")
          yield* asking.ended
          const { taskId } = asking
          const second = yield* subscribe(taskId)
          expect(second.events[0]!.payload!.$case).toBe("task")
          const first = yield* follow("this", { taskId })
          expect(first.events[0]!.payload!.$case).toBe("task")
          yield* first.ended
          yield* second.ended
          expect([first.words.at(-1), second.words.at(-1)]).toEqual(["COMPLETED", "COMPLETED"])
          expect(yield* errorOf(Effect.scoped(subscribe(taskId)))).toBe("UnsupportedOperationError")
        }),
      { transport }
    )
  )

  it.live("a blocking sender waits for the end, or for a question; another does not wait (S2x-09)", () =>
    serving(
      ({ call, cancel }) =>
        Effect.gen(function* () {
          const send = (text: string, more: Partial<A2A.Message> = {}, returnImmediately = false) =>
            Effect.map(
              call((client) => client.sendMessage(requestOf(text, more, { returnImmediately }))),
              (result) => result as A2A.Task
            )
          expect(stateOf(yield* send("echo hello"))).toBe("COMPLETED")
          const asked = yield* send("input")
          expect(stateOf(asked)).toBe("INPUT_REQUIRED")
          expect(stateOf(yield* send("this", { taskId: asked.id }))).toBe("COMPLETED")
          const working = yield* send("slow 60000", {}, true)
          expect(["SUBMITTED", "WORKING"]).toContain(stateOf(working))
          yield* cancel(working.id)
        }),
      { transport }
    )
  )

  it.live("a cancel while input is required ends the task, and its followers are told (S2x-11)", () =>
    serving(
      ({ cancel, follow, subscribe }) =>
        Effect.gen(function* () {
          const asking = yield* follow("input")
          expect((yield* asking.ended).at(-1)).toBe("INPUT_REQUIRED What shall I say?")
          const waiting = yield* subscribe(asking.taskId)
          const answers = yield* Effect.all([cancel(asking.taskId), cancel(asking.taskId)], { concurrency: 2 })
          expect(answers.map(stateOf)).toEqual(["CANCELED", "CANCELED"])
          expect(yield* waiting.ended).toEqual(["INPUT_REQUIRED", "CANCELED Task was cancelled"])
          const late = follow("this", { taskId: asking.taskId })
          expect(yield* errorOf(Effect.scoped(late))).toBe("UnsupportedOperationError")
        }),
      { transport }
    )
  )

  it.live("each state is spelled as version 1.0 has it, and no event has what only 0.3 had (S2x-10, S2x-03)", () =>
    serving(
      ({ cancel, follow, url }) =>
        Effect.gen(function* () {
          const states = new Set<string>()
          const asking = yield* follow("input")
          const texts = ["echo done", "fail no", "slow x", "slow 60000"]
          const followers = yield* Effect.forEach(texts, (text) => follow(text))
          yield* cancel(followers[3]!.taskId)
          for (const { ended, events } of [...followers, asking]) {
            yield* ended
            for (const { payload } of events) {
              const status = payload?.$case === "artifactUpdate" ? undefined : (payload!.value as A2A.Task).status
              if (status !== undefined) states.add(TaskState[status.state])
            }
          }
          expect(states).toEqual(
            new Set(
              ["SUBMITTED", "WORKING", "INPUT_REQUIRED", "COMPLETED", "FAILED", "REJECTED", "CANCELED"].map(
                (state) => `TASK_STATE_${state}`
              )
            )
          )
          const hi = { message: message({ parts: [{ text: "echo hi" }] }) }
          const stream =
            transport === "JSONRPC" ? rpc(url, "SendStreamingMessage", hi) : post(`${url}/message:stream`, hi)
          const { json: events } = yield* stream
          expect(events).toMatch(/"TASK_STATE_COMPLETED"/)
          expect(events).not.toMatch(/"(final|kind)":/)
        }),
      { transport }
    )
  )

  it.live("whoever leaves does not stop the task, which can be followed again (S2x-09)", () =>
    serving(
      ({ cancel, follow, get, streams, subscribe }) =>
        Effect.gen(function* () {
          const follower = yield* follow("slow 60000")
          yield* follower.leave
          // The server has noticed.
          yield* streams.awaitNone
          expect(stateOf(yield* get(follower.taskId))).toBe("WORKING")
          const again = yield* subscribe(follower.taskId)
          yield* cancel(follower.taskId)
          expect((yield* again.ended).at(-1)).toBe("CANCELED Task was cancelled")
        }),
      { transport }
    )
  )

  it.live("a canceller that leaves while it waits does not take its cancel back (S2x-05)", () =>
    serving(
      ({ calm, client, follow, tasks }) =>
        Effect.gen(function* () {
          const follower = yield* follow("stubborn 1500")
          yield* follower.until((words) => words.includes("WORKING"))
          const controller = new AbortController()
          const cancelling = yield* Effect.forkChild(
            Effect.tryPromise(() =>
              client.cancelTask({ tenant: "", id: follower.taskId, metadata: {} }, { signal: controller.signal })
            )
          )
          yield* eventually(
            tasks.info(follower.taskId),
            (info) => info._tag === "Some" && info.value.state === "cancelling"
          )
          controller.abort()
          expect((yield* Fiber.await(cancelling))._tag).toBe("Failure")
          expect((yield* follower.ended).at(-1)).toBe("CANCELED Task was cancelled")
          yield* calm
        }),
      { transport }
    )
  )
})
