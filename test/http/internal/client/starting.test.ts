/** Starts over a network that loses answers, in virtual time; `test/proof/subjects/http` cancels them at every point. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { CancelReason, type TaskOutcome } from "rescind/fibers"
import { CancelEverywhere, Simulation } from "rescind/testing"
import * as Deadline from "../../../../src/combinators/Deadline.ts"
import * as Nursery from "../../../../src/fibers/Nursery.ts"
import * as Task from "../../../../src/fibers/Task.ts"
import * as TaskClient from "../../../../src/http/TaskClient.ts"
import type { TaskClientError } from "../../../../src/http/TaskClientError.ts"
import * as TaskDefinition from "../../../../src/http/TaskDefinition.ts"
import { subjects } from "../../../proof/subjects/http/taskClient.ts"
import { FakeTaskServer, type Options } from "../../fakeTaskServer.ts"

const Answer = TaskDefinition.make("answer", { payload: Schema.Struct({ of: Schema.String }), success: Schema.Int })

type Client = TaskClient.TaskClient<typeof Answer>

const spaced = Schedule.upTo(Schedule.spaced("1 second"), { times: 3 })

/** What became of it, in virtual time. */
const using = <A, E>(
  options: Options & { readonly client?: TaskClient.Options },
  use: (client: Client, server: FakeTaskServer) => Effect.Effect<A, E>
) => {
  const server = new FakeTaskServer(options)
  const log: Array<unknown> = []
  const trial = Simulation.run(
    TaskClient.make([Answer], { baseUrl: "http://tasks.test/api/", retry: spaced, ...options.client }).pipe(
      Effect.provideService(HttpClient.HttpClient, server.client),
      Effect.flatMap((client) => use(client, server)),
      Effect.provide(Logger.layer([Logger.make(({ message }) => log.push(message))]))
    )
  )
  return {
    server,
    log,
    took: trial.took,
    outcome: trial.outcome as TaskOutcome.TaskOutcome<A, E>,
    findings: trial.findings
  }
}

const valueOf = <A, E>(outcome: TaskOutcome.TaskOutcome<A, E>): A => {
  if (outcome._tag !== "Completed") throw new Error(JSON.stringify(outcome))
  return outcome.value
}

const isStart = ({ method, path }: { readonly method: string; readonly path: string }) =>
  method === "POST" && path.endsWith("/tasks/answer")

const startsOf = (server: FakeTaskServer) => server.asked.filter(isStart)
const cancelsOf = (server: FakeTaskServer) => server.asked.filter(({ path }) => path.endsWith("/cancel"))

describe("starting", () => {
  it.each(subjects)("$name", ({ allow, everywhere, invariant, program }) => {
    expect(CancelEverywhere.check(program, { allow, invariant, ...everywhere }).runs).toBeGreaterThan(1)
  })

  it("a start whose answer is lost is asked for again under the same id, and runs once", () => {
    const { outcome, server } = using(
      { faultOf: (_, index) => (index === 0 ? { lost: "answer" } : undefined) },
      (client) => client.tasks.answer.start({ of: "all" })
    )
    const task = valueOf(outcome)
    const [first, second] = startsOf(server)
    expect(first!.query.get("id")).toBe(task.id)
    expect(second!.query.get("id")).toBe(task.id)
    expect(server.runs.map(({ id, attempt }) => [id, attempt])).toEqual([[task.id, 1]])
    expect(task.attempt).toBe(1)
  })

  it("one that never arrived is sent again", () => {
    const { outcome, server } = using(
      { faultOf: (_, index) => (index === 0 ? { lost: "request" } : undefined) },
      (client) => client.tasks.answer.start({ of: "all" })
    )
    expect(valueOf(outcome).attempt).toBe(1)
    expect(startsOf(server)).toHaveLength(2)
  })

  it("a task that somebody else runs under the id is not taken for ours, nor cancelled", () => {
    const { outcome, server } = using(
      { faultOf: ({ body }, index) => (body?.of === "mine" && index === 1 ? { lost: "request" } : undefined) },
      (client) =>
        Effect.gen(function* () {
          yield* client.tasks.answer.start({ of: "theirs" }, { id: "x" })
          return yield* Effect.flip(client.tasks.answer.run({ of: "mine" }, { id: "x" }))
        })
    )
    expect(valueOf(outcome)).toMatchObject({ _tag: "RequestRefused", code: "already-running" })
    expect(server.running(10_000).map(({ payload }) => payload)).toEqual([{ of: "theirs" }])
    expect(cancelsOf(server)).toEqual([])
  })

  it.each(["answer", "request"] as const)("a replacement runs once although its %s is lost", (lost) => {
    let lose = false
    const { outcome, server } = using(
      // It has ended by the next try.
      { runs: 5, faultOf: (asked) => (lose && isStart(asked) ? ((lose = false), { lost }) : undefined) },
      (client) =>
        Effect.gen(function* () {
          yield* client.tasks.answer.run({ of: "all" }, { id: "x" })
          lose = true
          return yield* client.tasks.answer.run({ of: "all" }, { id: "x", replace: true })
        })
    )
    expect(valueOf(outcome)).toMatchObject({ _tag: "Completed", value: 42 })
    expect(server.runs.map(({ attempt }) => attempt)).toEqual([1, 2])
  })

  it("a start that fails for good after a lost answer leaves no task behind", () => {
    const { outcome, server } = using(
      { faultOf: (asked) => (isStart(asked) ? { lost: "answer" } : undefined) },
      (client) => Effect.flip(client.tasks.answer.start({ of: "all" }))
    )
    // The second try finds it running, and recognises it by its payload.
    expect(valueOf(outcome)).toMatchObject({ _tag: "ServerUnreachable", call: "start answer" })
    expect(startsOf(server)).toHaveLength(4)
    expect(server.running(60_000)).toEqual([])
    expect(server.runs[0]!.cancelled!.reason.message).toBe("The caller could not follow the task")
  })

  it.each([429, 503])("%i is tried again, not before its Retry-After", (status) => {
    const refused = { status, code: "busy", headers: { "retry-after": "7" } }
    const { outcome, server, took } = using(
      { faultOf: (_, index) => (index < 2 ? { refused } : undefined) },
      (client) => client.tasks.answer.start({ of: "all" })
    )
    expect(valueOf(outcome).attempt).toBe(1)
    expect(startsOf(server)).toHaveLength(3)
    expect(took).toBeGreaterThanOrEqual(14_000)
    expect(took).toBeLessThan(14_100)
  })

  it.each([
    [400, "invalid-request"],
    [401, "unauthenticated"],
    [403, "forbidden"],
    [404, "unknown-name"],
    [500, "internal"]
  ])("%i is final, and told with its code", (status, code) => {
    const { outcome, server } = using({ faultOf: () => ({ refused: { status, code } }) }, (client) =>
      Effect.flip(client.tasks.answer.run({ of: "all" }))
    )
    expect(valueOf(outcome)).toMatchObject({ _tag: "RequestRefused", status, code, detail: `it is ${code}` })
    expect(server.asked).toHaveLength(1)
  })

  it("a refusal that lasts is told as it is, with when to come back", () => {
    const refused = { status: 503, code: "draining", headers: { "retry-after": "Thu, 01 Jan 1970 00:01:00 GMT" } }
    const { outcome, took } = using({ faultOf: () => ({ refused }) }, (client) =>
      Effect.flip(client.tasks.answer.start({ of: "all" }))
    )
    const error = valueOf(outcome)
    expect(error).toMatchObject({ _tag: "RequestRefused", status: 503, code: "draining" })
    // An instant: the first pause is a minute, the two others are those of the schedule.
    expect(took).toBeGreaterThanOrEqual(61_000)
    expect(took).toBeLessThan(63_000)
  })

  it("what a proxy says of the server behind it leaves open whether something was started", () => {
    const { outcome, server } = using(
      {
        faultOf: (asked) => (isStart(asked) ? { refused: { status: 504 } } : undefined),
        client: { retry: Schedule.recurs(0) }
      },
      (client) => Effect.flip(client.tasks.answer.start({ of: "all" }))
    )
    expect(valueOf(outcome)).toMatchObject({ _tag: "RequestRefused", status: 504 })
    expect(cancelsOf(server).length).toBeGreaterThan(0)
  })

  it("the caller's own deadline goes along, shorter at each try, unless another time is chosen", () => {
    const { outcome, server } = using(
      { faultOf: (_, index) => (index === 0 ? { lost: "request" } : undefined) },
      (client) =>
        Effect.gen(function* () {
          const { start } = client.tasks.answer
          yield* Deadline.run(start({ of: "all" }), "10 seconds")
          yield* Deadline.run(start({ of: "all" }, { deadline: "Infinity" }), "10 seconds")
          yield* Deadline.run(start({ of: "all" }, { deadline: "1 minute" }), "10 seconds")
          yield* start({ of: "all" })
        })
    )
    valueOf(outcome)
    const said = startsOf(server).map(({ headers }) => headers["deadline-ms"])
    expect(said).toEqual(["10000", "8998", undefined, "60000", undefined])
  })

  it("an interrupt tells the task why, how patiently, and waits for its clean-up", () => {
    const { outcome, server, took } = using({ cleansUp: 300 }, (client) =>
      Nursery.run("caller", (nursery: Nursery.Nursery<TaskClientError>) =>
        Effect.gen(function* () {
          const options = { grace: "1 second", giveUp: "2 seconds" } as const
          const task = yield* nursery.spawn("run", client.tasks.answer.run({ of: "all" }, options))
          yield* Effect.sleep(100)
          const reason = CancelReason.request({ message: "seen enough", by: "ann", detail: { page: 3 } })
          return yield* Task.cancel(task, { reason })
        })
      )
    )
    expect(valueOf(outcome)).toMatchObject({ _tag: "Cancelled" })
    const [call] = cancelsOf(server)
    const reason = { message: "seen enough", by: "ann", detail: { page: 3 } }
    expect(call!.body).toEqual({ reason, grace: 1000, giveUp: 2000 })
    expect(took).toBeGreaterThanOrEqual(400)
  })

  it("an interrupt of Effect's own says so", () => {
    const { server } = using({}, (client) => Effect.timeoutOption(client.tasks.answer.run({ of: "all" }), "1 second"))
    expect(cancelsOf(server)[0]!.body).toEqual({ reason: { message: "The caller was interrupted" } })
    expect(server.running(60_000)).toEqual([])
  })

  it("detached, it runs on; but what may have been started, without an answer in time, is withdrawn", () => {
    const leave = (after: number, answers: number) =>
      using({ faultOf: (asked) => (isStart(asked) ? { arrives: 50, answers } : undefined) }, (client) =>
        Effect.timeoutOption(client.tasks.answer.run({ of: "all" }, { onInterrupt: "detach" }), after)
      ).server
    expect(leave(1_000, 50).running(60_000)).toHaveLength(1)
    expect(leave(60, 50).running(60_000)).toHaveLength(1)
    expect(leave(60, 50_000).running(60_000)).toEqual([])
  })

  it("a server that does not answer to the cancel holds up the interrupt for so long, and the log says which task", () => {
    const { log, outcome, took } = using(
      {
        faultOf: ({ path }) => (path.endsWith("/cancel") ? { hangs: true } : undefined),
        client: { cancelWithin: "3 seconds" }
      },
      (client) => Effect.timeoutOption(client.tasks.answer.run({ of: "all" }, { id: "x" }), "1 second")
    )
    valueOf(outcome)
    expect(took).toBeGreaterThanOrEqual(4_000)
    expect(took).toBeLessThan(4_100)
    expect(String(log)).toBe(
      'The task "x" may still run: nobody waits for it, but its cancel failed: the server did not answer within 3s'
    )
  })

  it("a task that its server does not know any more is not cancelled: another may have its id", () => {
    const refused = { status: 404, code: "task-not-found" }
    const { outcome, server } = using(
      { faultOf: ({ path }) => (path.endsWith("/events") ? { refused } : undefined) },
      (client) => Effect.flip(client.tasks.answer.run({ of: "all" }))
    )
    expect(valueOf(outcome)).toMatchObject({ _tag: "TaskUnknown" })
    expect(cancelsOf(server)).toEqual([])
  })

  it("a start of a chosen id whose answer never comes is withdrawn only if it is ours", () => {
    const leave = (payload: string) => {
      const hangs = (asked: { readonly body: any }) => asked.body?.of === "mine"
      return using({ faultOf: (asked) => (hangs(asked) ? { hangs: true } : undefined) }, (client) =>
        Effect.gen(function* () {
          if (payload !== "mine") yield* client.tasks.answer.start({ of: payload }, { id: "x" })
          yield* Effect.timeoutOption(client.tasks.answer.run({ of: "mine" }, { id: "x" }), "1 second")
        })
      ).server.running(60_000)
    }
    expect(leave("theirs").map(({ payload }) => payload)).toEqual([{ of: "theirs" }])
    expect(leave("mine")).toEqual([])
  })

  it("a request that cannot even be made is not tried again, and leaves nothing to clean up", () => {
    const { outcome, took } = using({ client: { baseUrl: "http://[" } }, (client) =>
      Effect.flip(client.tasks.answer.run({ of: "all" }))
    )
    expect(valueOf(outcome)).toMatchObject({ _tag: "ServerUnreachable" })
    expect(took).toBe(0)
  })
})
