/** The ten cancel tests of S2 by their names, over the wire, with the SDK's own client and both bindings. Real time. */
import type * as A2A from "@a2a-js/sdk"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as net from "node:net"
import * as Stragglers from "../../../src/fibers/Stragglers.ts"
import { requestOf, stateOf } from "../../http/a2a/engines.ts"
import { whenBusy } from "../../support/busy.ts"
import { eventually } from "../server/fetchEventually.ts"
import { serving, type Site, transports } from "./serving.ts"

const ends = (words: ReadonlyArray<string>): ReadonlyArray<string> =>
  words.filter((word) => /^(CANCELED|COMPLETED|FAILED|REJECTED)/.test(word))

const errorOf = <A>(effect: Effect.Effect<A, Error>): Effect.Effect<string> =>
  Effect.match(effect, { onFailure: ({ name }) => name, onSuccess: () => "no error" })

const all = { tenant: "", contextId: "", status: 0, pageToken: "", statusTimestampAfter: undefined }

/** Follows a task on a socket of its own, and reads nothing of it. */
const deaf = (url: string, id: string) =>
  Effect.acquireRelease(
    Effect.callback<net.Socket>((resume) => {
      const { hostname, port } = new URL(url)
      const socket = net.connect(Number(port), hostname, () => {
        socket.pause()
        socket.write(`GET /tasks/${id}:subscribe HTTP/1.1\r\nhost: localhost\r\na2a-version: 1.0\r\n\r\n`, () =>
          resume(Effect.succeed(socket))
        )
      })
      socket.on("error", () => {})
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

describe.each(transports)("an A2A client cancels over the wire, by %s (real time)", (transport) => {
  // The SDK's client by REST leaves the metadata of a cancel out.
  const end = transport === "JSONRPC" ? "CANCELED enough" : "CANCELED Task was cancelled"

  const served = <E>(test: (site: Site) => Effect.Effect<unknown, E, Scope.Scope>, settings = {}) =>
    serving(test, { transport, ...settings })

  describe("test_cancellation_before_execution (S2-32)", () => {
    it.live.each([0, 10])("%s ms after the first event", (millis) =>
      served(({ cancel, follow }) =>
        Effect.gen(function* () {
          const follower = yield* follow("slow 60000")
          yield* Effect.sleep(millis)
          const task = yield* cancel(follower.taskId, "enough")
          expect(stateOf(task)).toBe("CANCELED")
          expect((yield* follower.ended).at(-1)).toBe(end)
          expect(ends(follower.words)).toEqual([end])
        })
      )
    )
  })

  it.live("test_cancellation_during_streaming (S2-33, S2-09, S2-20, S2x-03)", () =>
    served(({ cancel, follow, get, tasks }) =>
      Effect.gen(function* () {
        const follower = yield* follow("stream 100 100")
        yield* follower.until((words) => words.includes("+chunk 1"))
        const task = yield* cancel(follower.taskId, "enough")
        const words = yield* follower.ended
        const chunks = words.filter((word) => /chunk/.test(word))
        expect(chunks.length).toBeGreaterThanOrEqual(2)
        expect(words).toEqual(["SUBMITTED", "WORKING", ...chunks, end])
        expect(task.artifacts[0]!.parts).toHaveLength(chunks.length)
        expect(yield* get(follower.taskId)).toEqual(task)
        expect((yield* tasks.list).map(({ state }) => state)).toEqual(["cancelled"])
      })
    )
  )

  it.live("test_cancellation_during_non_streaming (S2-34)", () =>
    served(({ call, cancel, client, tasks }) =>
      Effect.gen(function* () {
        // A blocking sender learns the id from the list only.
        const sending = yield* Effect.forkChild(call(() => client.sendMessage(requestOf("slow 60000"))))
        const [{ id }] = yield* eventually(
          Effect.orDie(call(() => client.listTasks(all))),
          ({ tasks }) => tasks.length === 1
        ).pipe(Effect.map(({ tasks }) => tasks as [A2A.Task]))
        yield* Effect.sleep(100)
        const task = yield* cancel(id, "enough")
        expect(yield* Fiber.join(sending)).toEqual(task)
        expect((yield* tasks.list).map(({ state }) => state)).toEqual(["cancelled"])
      })
    )
  )

  it.live("test_is_cancelled_flag (S2-35)", () =>
    served(
      ({ calm, cancel, follow, tasks }) =>
        Effect.gen(function* () {
          const state = (id: string) =>
            Effect.map(tasks.info(id), (info) => (info._tag === "None" ? "" : info.value.state))
          expect(yield* state("nobody")).toBe("")
          const { taskId } = yield* follow("stubborn 1500")
          yield* eventually(state(taskId), (state) => state === "running")
          const cancelling = yield* Effect.forkChild(cancel(taskId))
          yield* eventually(state(taskId), (state) => state === "cancelling")
          expect(stateOf(yield* Fiber.join(cancelling))).toBe("CANCELED")
          expect(yield* state(taskId)).toBe("cancelled")
          yield* calm
        }),
      { giveUp: Duration.seconds(30) }
    )
  )

  it.live("test_cleanup_task_resources (S2-36)", () =>
    served(
      ({ cancel, follow, tasks }) =>
        Effect.gen(function* () {
          for (const text of ["slow 60000", "stream 10000 10", "input", "tell me more", "stubborn 1500"]) {
            const follower = yield* follow(text)
            yield* follower.until((words) => words.length > 1)
            yield* cancel(follower.taskId)
          }
          // No entry but the records of what has ended; the harness looks for fibers, scopes and stragglers.
          expect(new Set((yield* tasks.list).map(({ state }) => state))).toEqual(new Set(["cancelled"]))
          expect(yield* Stragglers.list).toEqual([])
        }),
      { stallAfter: 3 }
    )
  )

  it.live("test_cancel_without_task_id (S2-37, S2-05)", () =>
    served(({ call, client, follow, get, tasks, url }) =>
      Effect.gen(function* () {
        const { taskId } = yield* follow("slow 60000")
        const name = yield* errorOf(call(() => client.cancelTask({ tenant: "", id: "", metadata: {} })))
        expect(name).toBe("RequestMalformedError")
        const answer = yield* Effect.promise(() =>
          fetch(url, {
            method: "POST",
            headers: { "content-type": "application/json", "a2a-version": "1.0" },
            body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "CancelTask", params: {} })
          }).then((response) => response.json())
        )
        expect(answer.error).toMatchObject({ code: -32602, message: expect.stringMatching(/\bid\b/) })
        expect(stateOf(yield* get(taskId))).toBe("WORKING")
        expect(yield* tasks.list).toHaveLength(1)
      })
    )
  )

  it.live("test_cancel_nonexistent_task (S2-38, S2x-07)", () =>
    served(({ cancel, get, subscribe, tasks }) =>
      Effect.gen(function* () {
        expect(yield* errorOf(cancel("never-started"))).toBe("TaskNotFoundError")
        expect(yield* errorOf(get("never-started"))).toBe("TaskNotFoundError")
        expect(yield* errorOf(Effect.scoped(subscribe("never-started")))).toBe("TaskNotFoundError")
        expect(yield* tasks.list).toEqual([])
      })
    )
  )

  it.live("test_execution_completes_before_cancel (S2-39, S2x-07)", () =>
    served(({ cancel, follow, get }) =>
      Effect.gen(function* () {
        for (const text of ["echo hello", "fail no", "stream x"]) {
          const follower = yield* follow(text)
          yield* follower.ended
          const before = yield* get(follower.taskId)
          expect(yield* errorOf(cancel(follower.taskId))).toBe("TaskNotCancelableError")
          expect(yield* get(follower.taskId)).toEqual(before)
        }
      })
    )
  )

  it.live("test_exception_during_cancellation (S2-40, S2-58)", () =>
    served(({ cancel, follow, tasks, url }) =>
      Effect.gen(function* () {
        const follower = yield* follow("stream 100000 1")
        // A subscriber whose connection breaks while it is written to, and one that does not read.
        const breaks = yield* deaf(url, follower.taskId)
        yield* deaf(url, follower.taskId)
        yield* follower.until((words) => words.length > 20)
        breaks.resetAndDestroy()
        const asked = performance.now()
        expect(stateOf(yield* cancel(follower.taskId, "enough"))).toBe("CANCELED")
        expect(performance.now() - asked).toBeLessThan(whenBusy(1000))
        expect((yield* follower.ended).at(-1)).toBe(end)
        expect((yield* tasks.list).map(({ state }) => state)).toEqual(["cancelled"])
      })
    )
  )

  it.live("test_cancellation_with_multiple_tasks (S2-41)", () =>
    served(({ cancel, follow, get }) =>
      Effect.gen(function* () {
        const [one, two] = yield* Effect.all([follow("stream 15 100"), follow("stream 15 100")])
        yield* two.until((words) => words.length > 3)
        yield* cancel(one.taskId, "enough")
        expect((yield* one.ended).at(-1)).toBe(end)
        expect((yield* two.ended).at(-1)).toBe("COMPLETED")
        expect((yield* get(two.taskId)).artifacts[0]!.parts).toHaveLength(15)
      })
    )
  )
})
