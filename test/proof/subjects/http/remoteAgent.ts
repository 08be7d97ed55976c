/** Calls of a remote agent that is faked: whoever leaves, no task is left behind that nobody knows. */
import assert from "node:assert/strict"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Stream from "effect/Stream"
import * as RemoteAgent from "../../../../src/http/a2a/RemoteAgent.ts"
import type { Checked, Trial } from "../../../../src/testing/Trial.ts"
import { FakeAgent, type Options } from "../../../http/a2a/fakeAgent.ts"
import { wasGivenUp } from "../../laws.ts"
import type { Subject } from "../../Subject.ts"

const calling =
  <A, E>(
    { client, ...options }: Options & { readonly client?: RemoteAgent.Options },
    use: (remote: RemoteAgent.RemoteAgent) => Effect.Effect<A, E>,
    check: (agent: FakeAgent, trial: Trial<A, E>, at: number) => void
  ) =>
  (): Checked<A, any> => {
    const agent = new FakeAgent(options)
    let at = 0
    return {
      program: RemoteAgent.make({ card: agent.card, ...client }).pipe(
        Effect.provideService(HttpClient.HttpClient, agent.client),
        Effect.flatMap(use),
        Effect.ensuring(Effect.map(Clock.currentTimeMillis, (now) => (at = now)))
      ),
      invariant: (trial) => check(agent, trial as Trial<A, E>, at)
    }
  }

/** Nothing runs once the caller has ended, at most one task ever did, and no connection is open. */
const noneLeft = (agent: FakeAgent, trial: Trial, at: number): void => {
  if (trial.outcome === undefined || wasGivenUp(trial)) return
  assert.deepEqual(agent.running(at), [])
  assert.ok(agent.tasks.length <= 1, "it was started twice")
  closedAfterCancel(agent)
}

/** Whoever closes its connection first gives an agent that minds another reason than its own. */
const closedAfterCancel = (agent: FakeAgent): void => {
  const cancel = agent.asked.find(({ method }) => method === "CancelTask")
  const streams = agent.asked.filter(({ method }) => method === "SendStreamingMessage" || method === "SubscribeToTask")
  if (cancel === undefined || streams.length === 0 || streams.some(({ closedAt }) => closedAt === undefined)) return
  assert.ok(streams.at(-1)!.closedAt! > cancel.at, "the stream was closed before the cancel had arrived")
}

/** The task was told why, in the words of whoever cancelled its caller. */
const toldWhy = (agent: FakeAgent, trial: Trial): void => {
  const [task] = agent.tasks
  if (trial.outcome?._tag !== "Cancelled" || task?.cancelled === undefined) return
  const { by, message, source } = trial.outcome.reason
  assert.deepEqual(task.cancelled.metadata, { reason: message, by, source })
}

const bounds = { everywhere: { maxRuns: 400 }, explore: { runs: 100, cancel: true } } as const

const asks: Subject = {
  name: "an ask that is cancelled anywhere cancels its task, waits for its clean-up and tells it why",
  covers: [],
  laws: ["K1", "K15", "K19"],
  ...bounds,
  program: calling(
    { cleansUp: 5 },
    (remote) => Effect.map(remote.ask("all"), ({ text }) => text),
    (agent, trial, at) => {
      noneLeft(agent, trial, at)
      toldWhy(agent, trial)
      if (trial.cancelled === undefined)
        assert.equal(trial.outcome?._tag === "Completed" && trial.outcome.value, "one two")
    }
  )
}

const polled: Subject = {
  name: "so does one of an agent that has no streams",
  covers: [],
  ...bounds,
  program: calling(
    { streaming: false },
    (remote) => Effect.map(remote.ask("all"), ({ text }) => text),
    (agent, trial, at) => {
      noneLeft(agent, trial, at)
      toldWhy(agent, trial)
      if (trial.cancelled === undefined)
        assert.equal(trial.outcome?._tag === "Completed" && trial.outcome.value, "one two")
    }
  )
}

const torn: Subject = {
  name: "one whose stream breaks twice is followed all the same, and cancelled all the same",
  covers: [],
  ...bounds,
  program: calling(
    { faultOf: ({ method }, index) => (index < 2 && method !== "CancelTask" ? { torn: 2 } : undefined) },
    (remote) => Effect.map(remote.ask("all"), ({ text }) => text),
    (agent, trial, at) => {
      noneLeft(agent, trial, at)
      if (trial.cancelled === undefined)
        assert.equal(trial.outcome?._tag === "Completed" && trial.outcome.value, "one two")
    }
  )
}

const lost: Subject = {
  name: "one whose answer is lost finds its task again, and leaves none behind when it is cancelled",
  covers: [],
  ...bounds,
  program: calling(
    {
      steps: [{ at: 300, state: "TASK_STATE_COMPLETED" }],
      faultOf: (_, index) => (index === 0 ? { lost: "answer" } : undefined)
    },
    (remote) => remote.ask("all"),
    noneLeft
  )
}

const slow: Subject = {
  name: "a message that arrives long after it was sent is waited for, and its task cancelled",
  covers: [],
  ...bounds,
  program: calling(
    { faultOf: (_, index) => (index === 0 ? { arrives: 900, answers: 900 } : undefined) },
    (remote) => remote.ask("all"),
    noneLeft
  )
}

const asking: Subject = {
  name: "a task that asks for something is cancelled with whoever was to answer",
  covers: [],
  ...bounds,
  program: calling(
    { steps: [{ at: 5, state: "TASK_STATE_INPUT_REQUIRED", text: "which?" }] },
    (remote) =>
      Effect.map(
        remote.ask("some", { onInput: ({ text }) => Effect.as(Effect.sleep(10), `${text} these`) }),
        ({ text }) => text
      ),
    (agent, trial, at) => {
      noneLeft(agent, trial, at)
      if (trial.cancelled === undefined)
        assert.equal(trial.outcome?._tag === "Completed" && trial.outcome.value, "one two")
    }
  )
}

const streams: Subject = {
  name: "a stream that is cancelled anywhere cancels its task",
  covers: [],
  ...bounds,
  program: calling(
    {},
    (remote) => Stream.runCollect(remote.stream("all")),
    (agent, trial, at) => {
      noneLeft(agent, trial, at)
      toldWhy(agent, trial)
    }
  )
}

const shortened: Subject = {
  name: "a stream that is read no further cancels its task",
  covers: [],
  ...bounds,
  program: calling(
    {},
    (remote) => Stream.runCollect(Stream.take(remote.stream("all"), 2)),
    (agent, trial, at) => {
      noneLeft(agent, trial, at)
      if (trial.cancelled === undefined) assert.equal(agent.tasks[0]!.cancelled!.metadata.source, "scope-closed")
    }
  )
}

const detached: Subject = {
  name: "an ask that is detached leaves its task to itself, but not one that it was never told of",
  covers: [],
  ...bounds,
  program: calling(
    {},
    (remote) => remote.ask("all", { onInterrupt: "detach" }),
    (agent, trial, at) => {
      if (trial.outcome === undefined) return
      const [task] = agent.running(at)
      if (task !== undefined) assert.equal(task.cancelled, undefined)
    }
  )
}

const silent: Subject = {
  name: "an agent that never answers holds up nobody for ever",
  covers: [],
  ...bounds,
  program: calling(
    { faultOf: () => ({ hangs: true }) },
    (remote) => Effect.timeoutOption(remote.ask("all"), "1 minute"),
    (_, { cancelled, took }) => {
      // To send, and to clean up: each has its bound.
      if (cancelled !== undefined) assert.ok(took - cancelled.at <= 10_010, `it took ${took - cancelled.at} ms`)
    }
  )
}

export const subjects: ReadonlyArray<Subject> = [
  asks,
  polled,
  torn,
  lost,
  slow,
  asking,
  streams,
  shortened,
  detached,
  silent
]
