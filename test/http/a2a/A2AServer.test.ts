import { Role, TaskState } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import { STATE_HEADERS_KEY } from "@a2a-js/sdk/server"
import { afterEach, beforeEach, describe, expect, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import { requestOf, wordOf } from "./engines.ts"
import {
  eventsOf,
  type Host,
  hosting,
  message,
  obedient,
  onExpress,
  stateOf,
  streaming,
  type Transport
} from "./hosting.ts"

const hosts = [
  ["effect/http", (agent, test) => hosting(agent, {}, test)],
  ["the SDK's express handlers", onExpress]
] as const satisfies ReadonlyArray<
  readonly [string, (agent: Parameters<typeof onExpress>[0], test: Parameters<typeof onExpress>[1]) => unknown]
>

const listOf = (pageSize: number): A2A.ListTasksRequest => ({
  tenant: "",
  contextId: "",
  status: TaskState.TASK_STATE_UNSPECIFIED,
  pageSize,
  pageToken: "",
  historyLength: undefined,
  statusTimestampAfter: undefined,
  includeArtifacts: undefined
})

const collected = async <A>(generator: AsyncIterable<A>): Promise<ReadonlyArray<A>> => {
  const all: Array<A> = []
  for await (const one of generator) all.push(one)
  return all
}

it.live(
  "an agent reads the headers of a request where the SDK's agents do, and keeps what it adds (over real sockets)",
  () => {
    const agent = Agent.make("reader", {
      description: "Reads the headers of its caller",
      run: ({ call }) =>
        Effect.sync(() => {
          call.state.set("own", "kept")
          const headers = call.state.get(STATE_HEADERS_KEY) as Readonly<Record<string, string>>
          return `${headers["x-trace"]} ${String(call.state.get("own"))}`
        })
    })
    return hosting(agent, {}, (site) =>
      Effect.gen(function* () {
        const headers = { "x-trace": "abc" }
        const rpc = yield* site.rpc("SendMessage", message("go"), headers)
        const rest = yield* site.post("/message:send", message("go"), headers)
        expect(rpc.json.result.task.artifacts[0].parts[0].text).toBe("abc kept")
        expect(rest.json.task.artifacts[0].parts[0].text).toBe("abc kept")
      })
    )
  }
)

describe.each(hosts)("an agent on %s (over real sockets)", (_, on) => {
  // The SDK's handlers write there what they answer.
  beforeEach(() => void vi.spyOn(console, "error").mockReturnValue(undefined))
  afterEach(() => void vi.restoreAllMocks())

  const served = (test: (site: Host) => Effect.Effect<void>) => on(obedient().agent, test) as Effect.Effect<void>

  for (const transport of ["JSONRPC", "HTTP+JSON"] as const satisfies ReadonlyArray<Transport>) {
    const name = `the SDK's client, by ${transport}`

    it.live(`${name}: a message is answered by its task`, () =>
      served((site) =>
        Effect.gen(function* () {
          const client = yield* site.client(transport)
          const task = yield* Effect.promise(() => client.sendMessage(requestOf("echo hello")))
          expect(task).toMatchObject({ status: { state: TaskState.TASK_STATE_COMPLETED } })
          const { id } = task as { readonly id: string }
          const read = yield* Effect.promise(() => client.getTask({ tenant: "", id }))
          expect(read).toMatchObject({ id, artifacts: [{ artifactId: "result" }], history: [{ role: Role.ROLE_USER }] })
          const page = yield* Effect.promise(() => client.listTasks(listOf(10)))
          expect(page).toMatchObject({ tasks: [{ id }], totalSize: 1, pageSize: 10 })
        })
      )
    )

    it.live(`${name}: S2x-09, S2x-12: a stream has all events of its task, and ends with it`, () =>
      served((site) =>
        Effect.gen(function* () {
          const client = yield* site.client(transport)
          const events = yield* Effect.promise(() => collected(client.sendMessageStream(requestOf("stream 3"))))
          expect(events.map(wordOf)).toEqual(["SUBMITTED", "WORKING", "=0 ", "+1 ", "+2 ", "COMPLETED"])
        })
      )
    )

    it.live(
      `${name}: S2x-06, S2x-08, S2-09: a cancel ends the stream, a subscription and the task, and is answered twice`,
      () =>
        served((site) =>
          Effect.gen(function* () {
            const client = yield* site.client(transport)
            const stream = client.sendMessageStream(requestOf("hang"))
            const first = yield* Effect.promise(() => stream.next())
            const { id } = (first.value as { readonly payload: { readonly value: { readonly id: string } } }).payload
              .value
            const other = client.resubscribeTask({ tenant: "", id })
            expect(wordOf((yield* Effect.promise(() => other.next())).value!)).toMatch(/SUBMITTED|WORKING/)
            const cancelled = yield* Effect.promise(() => client.cancelTask({ tenant: "", id, metadata: undefined }))
            expect(stateOf({ status: { state: TaskState[cancelled.status!.state] } })).toBe("CANCELED")
            for (const rest of [stream, other]) {
              const events = yield* Effect.promise(() => collected(rest))
              expect(wordOf(events.at(-1)!)).toMatch(/^CANCELED/)
            }
            const again = yield* Effect.promise(() => client.cancelTask({ tenant: "", id, metadata: undefined }))
            expect(again).toEqual(cancelled)
          })
        )
    )

    it.live(`${name}: S2x-11: a task that waits for input is cancelled like any other`, () =>
      served((site) =>
        Effect.gen(function* () {
          const client = yield* site.client(transport)
          const { id } = (yield* Effect.promise(() => client.sendMessage(requestOf("ask")))) as { readonly id: string }
          const cancelled = yield* Effect.promise(() => client.cancelTask({ tenant: "", id, metadata: undefined }))
          expect(cancelled.status!.state).toBe(TaskState.TASK_STATE_CANCELED)
          const read = yield* Effect.promise(() => client.getTask({ tenant: "", id }))
          expect(read).toEqual(cancelled)
        })
      )
    )

    it.live(`${name}: a question is answered by the next message`, () =>
      served((site) =>
        Effect.gen(function* () {
          const client = yield* site.client(transport)
          const asking = yield* Effect.promise(() => client.sendMessage(requestOf("ask")))
          expect(asking).toMatchObject({ status: { state: TaskState.TASK_STATE_INPUT_REQUIRED } })
          const { id } = asking as { readonly id: string }
          const done = yield* Effect.promise(() => client.sendMessage(requestOf("this", { taskId: id })))
          expect(done).toMatchObject({ id, status: { state: TaskState.TASK_STATE_COMPLETED } })
        })
      )
    )

    it.live(`${name}: S2x-07, S2-38, S2-39: errors are those of the protocol`, () =>
      served((site) =>
        Effect.gen(function* () {
          const client = yield* site.client(transport)
          const nameOf = (call: () => Promise<unknown>) =>
            Effect.promise(() =>
              call().then(
                () => "no error",
                (error: Error) => error.name
              )
            )
          const done = yield* Effect.promise(() => client.sendMessage(requestOf("echo hello")))
          const { id } = done as { readonly id: string }
          expect(yield* nameOf(() => client.getTask({ tenant: "", id: "ghost" }))).toBe("TaskNotFoundError")
          expect(yield* nameOf(() => client.cancelTask({ tenant: "", id: "ghost", metadata: undefined }))).toBe(
            "TaskNotFoundError"
          )
          expect(yield* nameOf(() => client.cancelTask({ tenant: "", id, metadata: undefined }))).toBe(
            "TaskNotCancelableError"
          )
          expect(yield* nameOf(() => client.resubscribeTask({ tenant: "", id }).next())).toBe(
            "UnsupportedOperationError"
          )
          expect(yield* nameOf(() => client.sendMessage(requestOf("x", { taskId: "ghost" })))).toBe("TaskNotFoundError")
        })
      )
    )
  }

  it.live("S2x-07, S2-05: the codes of JSON-RPC and the statuses of REST are the same", () =>
    served((site) =>
      Effect.gen(function* () {
        const codeOf = (answer: { readonly json: any }) => answer.json.error?.code
        expect(codeOf(yield* site.rpc("GetTask", { id: "ghost" }))).toBe(-32001)
        expect(codeOf(yield* site.rpc("Nonsense", {}))).toBe(-32601)
        expect(codeOf(yield* site.rpc("GetTask", []))).toBe(-32602)
        expect(codeOf(yield* site.rpc("SendMessage", {}))).toBe(-32602)
        expect(codeOf(yield* site.rpc("CancelTask", {}))).toBe(-32602)
        expect(codeOf(yield* site.rpc("SendStreamingMessage", {}))).toBe(-32602)
        expect(codeOf(yield* site.post("/", "{"))).toBe(-32700)
        expect(codeOf(yield* site.rpc("ListTasks", { status: "odd" }))).toBe(-32602)
        expect(codeOf(yield* site.rpc("ListTaskPushNotificationConfigs", { taskId: "x" }))).toBe(-32003)
        const configuration = { taskPushNotificationConfig: { url: "https://client.test/hook" } }
        for (const method of ["SendMessage", "SendStreamingMessage"]) {
          expect(codeOf(yield* site.rpc(method, { ...message("echo x"), configuration }))).toBe(-32003)
        }
        expect((yield* site.post("/message:send", { ...message("echo x"), configuration })).json.error).toMatchObject({
          code: 400,
          status: "FAILED_PRECONDITION"
        })
        expect(codeOf(yield* site.rpc("GetExtendedAgentCard"))).toBe(-32004)
        expect(codeOf(yield* site.rpc("GetTask", { id: "x" }, { "a2a-version": "0.3" }))).toBe(-32009)
        expect(codeOf(yield* site.rpc("GetTask", { id: "x" }, { "a2a-version": "" }))).toBe(-32009)
        expect(codeOf(yield* site.rpc("GetTask", { id: "x" }, { "content-type": "text/plain" }))).toBe(-32005)
        const missing = yield* site.get("/tasks/ghost")
        expect([missing.status, missing.json.error.status]).toEqual([404, "NOT_FOUND"])
        expect(missing.json.error.details[0].reason).toBe("TASK_NOT_FOUND")
        expect((yield* site.post("/message:send", {})).status).toBe(400)
        expect((yield* site.post("/message:send", "{")).status).toBe(400)
        expect((yield* site.get("/tasks?pageSize=x")).status).toBe(400)
        expect((yield* site.get("/tasks/ghost", { "a2a-version": "0.3" })).status).toBe(400)
        expect((yield* site.post("/tasks/ghost:cancel")).status).toBe(404)
        expect((yield* site.get("/tasks/x/pushNotificationConfigs")).json.error.details[0].reason).toBe(
          "PUSH_NOTIFICATION_NOT_SUPPORTED"
        )
        expect((yield* site.get("/extendedAgentCard")).json.error.status).toBe("FAILED_PRECONDITION")
      })
    )
  )

  it.live("tenants do not see the tasks of each other, by params or by path", () =>
    served((site) =>
      Effect.gen(function* () {
        const sent = yield* site.rpc("SendMessage", { ...message("echo a"), tenant: "acme" })
        const { id } = sent.json.result.task
        expect((yield* site.get(`/acme/tasks/${id}`)).json.id).toBe(id)
        expect((yield* site.get(`/tasks/${id}`)).status).toBe(404)
        expect((yield* site.get(`/other/tasks/${id}`)).status).toBe(404)
        expect((yield* site.rpc("GetTask", { id, tenant: "acme" })).json.result.id).toBe(id)
        expect((yield* site.rpc("GetTask", { id })).json.error.code).toBe(-32001)
        const by = yield* site.post("/acme/message:send", message("echo b"))
        expect((yield* site.get("/acme/tasks")).json.tasks).toHaveLength(2)
        expect((yield* site.get("/tasks")).json.tasks).toEqual([])
        expect((yield* site.rpc("GetTask", { id: by.json.task.id, tenant: "acme" })).json.result.id).toBe(
          by.json.task.id
        )
      })
    )
  )

  it.live("a client that leaves ends its stream, and not the task", () =>
    served((site) =>
      Effect.gen(function* () {
        const body = { jsonrpc: "2.0", id: "s", method: "SendStreamingMessage", params: message("hang") }
        const stream = yield* streaming(site.url, { body })
        const [first] = eventsOf(yield* stream.until((text) => text.includes("\n\n")))
        expect(first).toMatchObject({ jsonrpc: "2.0", id: "s" })
        const { id } = first.result.task
        yield* stream.leave
        yield* stream.ended
        // The server has noticed.
        if (site.streams !== undefined) yield* site.streams.awaitNone
        expect(stateOf((yield* site.get(`/tasks/${id}`)).json)).toBe("WORKING")
        expect(stateOf((yield* site.post(`/tasks/${id}:cancel`)).json)).toBe("CANCELED")
      }).pipe(Effect.scoped)
    )
  )
})
