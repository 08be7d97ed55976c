/** Calls of a task server that is faked: whoever leaves, no task is left behind that nobody knows. */
import assert from "node:assert/strict"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as TaskClient from "../../../../src/http/TaskClient.ts"
import * as TaskDefinition from "../../../../src/http/TaskDefinition.ts"
import type { Checked, Trial } from "../../../../src/testing/Trial.ts"
import { FakeTaskServer, type Options } from "../../../http/fakeTaskServer.ts"
import { wasGivenUp } from "../../laws.ts"
import type { Subject } from "../../Subject.ts"

const Answer = TaskDefinition.make("answer", { payload: Schema.Struct({ of: Schema.String }), success: Schema.Int })

type Client = TaskClient.TaskClient<typeof Answer>

const calling =
  <A, E>(
    { client, ...options }: Options & { readonly client?: TaskClient.Options },
    use: (client: Client) => Effect.Effect<A, E>,
    check: (server: FakeTaskServer, trial: Trial<A, E>, at: number) => void
  ) =>
  (): Checked<A, E> => {
    const server = new FakeTaskServer(options)
    let at = 0
    return {
      program: TaskClient.make([Answer], { baseUrl: "http://tasks.test", ...client }).pipe(
        Effect.provideService(HttpClient.HttpClient, server.client),
        Effect.flatMap(use),
        Effect.ensuring(Effect.map(Clock.currentTimeMillis, (now) => (at = now)))
      ),
      invariant: (trial) => check(server, trial, at)
    }
  }

/** Nothing runs on the server once the caller has ended, and at most one run ever did. */
const noneLeft = (server: FakeTaskServer, trial: Trial, at: number): void => {
  if (trial.outcome === undefined || wasGivenUp(trial)) return
  assert.deepEqual(server.running(at), [])
  assert.ok(server.runs.length <= 1, "it was started twice")
}

/** The task was told why, in the words of whoever cancelled its caller. */
const toldWhy = (server: FakeTaskServer, trial: Trial): void => {
  const [run] = server.runs
  if (trial.outcome?._tag !== "Cancelled" || run?.cancelled === undefined) return
  const { by, message } = trial.outcome.reason
  assert.deepEqual(run.cancelled.reason, { message, by })
}

const bounds = { everywhere: { maxRuns: 400 }, explore: { runs: 100 } } as const

const runs: Subject = {
  name: "a run that is cancelled anywhere cancels its task, waits for its clean-up and tells it why",
  covers: [],
  laws: ["K1", "K15", "K19"],
  ...bounds,
  program: calling(
    { runs: 20, cleansUp: 5 },
    (client) => client.tasks.answer.call({ of: "all" }),
    (server, trial, at) => {
      noneLeft(server, trial, at)
      toldWhy(server, trial)
      if (trial.cancelled === undefined)
        assert.deepEqual(trial.outcome?._tag === "Completed" && trial.outcome.value, 42)
    }
  )
}

const lost: Subject = {
  name: "a run whose first answers are lost starts its task once, and leaves none behind when it is cancelled",
  covers: [],
  ...bounds,
  program: calling(
    {
      runs: 20,
      faultOf: ({ path }, index) => (path === "/tasks/answer" && index < 2 ? { lost: "answer" } : undefined)
    },
    (client) => client.tasks.answer.call({ of: "all" }),
    noneLeft
  )
}

const slow: Subject = {
  name: "a start that arrives long after it was sent is waited for, and cancelled",
  covers: [],
  ...bounds,
  program: calling(
    { runs: 50, faultOf: ({ path }) => (path === "/tasks/answer" ? { arrives: 900, answers: 900 } : undefined) },
    (client) => client.tasks.answer.run({ of: "all" }, { id: "mine" }),
    noneLeft
  )
}

const held: Subject = {
  name: "a start in a scope is withdrawn with the scope",
  covers: [],
  ...bounds,
  program: calling(
    { runs: 50 },
    (client) =>
      Effect.scoped(
        Effect.gen(function* () {
          const task = yield* Effect.acquireRelease(client.tasks.answer.start({ of: "all" }), (task) =>
            Effect.ignore(task.cancel())
          )
          yield* Effect.sleep(5)
          return task.id
        })
      ),
    noneLeft
  )
}

const detached: Subject = {
  name: "a run that is detached leaves its task to itself, but not one that it was never told of",
  covers: [],
  ...bounds,
  program: calling(
    { runs: 50 },
    (client) => client.tasks.answer.run({ of: "all" }, { onInterrupt: "detach" }),
    (server, trial, at) => {
      if (trial.outcome === undefined) return
      const [run] = server.running(at)
      // Cancelled in the middle of the start, it was withdrawn.
      if (run !== undefined) assert.equal(run.cancelled, undefined)
    }
  )
}

const silent: Subject = {
  name: "a server that never answers holds up nobody for ever",
  covers: [],
  ...bounds,
  program: calling(
    { faultOf: () => ({ hangs: true }), client: { silence: "1 minute", retry: Schedule.recurs(1) } },
    (client) => Effect.flip(client.tasks.answer.run({ of: "all" })),
    (_, { cancelled, took }) => {
      // To send, and to clean up: each has its bound.
      if (cancelled !== undefined) assert.ok(took - cancelled.at <= 10_010, `it took ${took - cancelled.at} ms`)
    }
  )
}

export const subjects: ReadonlyArray<Subject> = [runs, lost, slow, held, detached, silent]
