/**
 * The eight end-to-end tests of the plan, by their names (S4-50, S4-55), over real HTTP with a worker behind HTTP and an
 * origin whose sockets are counted: in real time. Every status is exact.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { batchAgent } from "../../../src/examples/agent-tasks/agents/batchAgent.ts"
import { cancelAndReplaceAgent } from "../../../src/examples/agent-tasks/agents/cancelAndReplaceAgent.ts"
import { cancelIdempotencyAgent } from "../../../src/examples/agent-tasks/agents/cancelIdempotencyAgent.ts"
import { joinCancelledAgent } from "../../../src/examples/agent-tasks/agents/joinCancelledAgent.ts"
import { parallelFailuresAgent } from "../../../src/examples/agent-tasks/agents/parallelFailuresAgent.ts"
import { racingAgent } from "../../../src/examples/agent-tasks/agents/racingAgent.ts"
import { AgentTasks } from "../../../src/examples/agent-tasks/AgentTasks.ts"
import { select, selectOk } from "../../../src/examples/agent-tasks/combine/select.ts"
import { AgentContext } from "../../../src/examples/agent-tasks/context/AgentContext.ts"
import { Sleep } from "../../../src/examples/agent-tasks/kinds/sleepTask.ts"
import { eventually } from "../server/fetchEventually.ts"
import { served, type Site } from "./served.ts"

/** The origin has seen the sockets of these closing early, and holds no other. */
const closed = ({ origin }: Site, labels: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const early = yield* eventually(origin.closedEarly, (all) => all.length >= labels.length)
    const mirrors = early.map(({ url }) => new URLSearchParams(url.split("?")[1]).get("mirror"))
    expect(mirrors.toSorted((a, b) => (a ?? "").localeCompare(b ?? ""))).toEqual(labels)
    expect(yield* eventually(origin.openRequests, (open) => open === 0)).toBe(0)
  })

const statuses = (name: string) =>
  Effect.flatMap(AgentTasks, (tasks) => Effect.map(tasks.list(name), (all) => all.map(({ status }) => status)))

describe("agents end to end in real time", () => {
  // S4-02, S4-36, S4-42, S4-10: select winner.
  it.live("test_agent_racing_tasks_with_cancellation", () =>
    served((site) =>
      Effect.gen(function* () {
        const { cancelled, ids, winner } = yield* racingAgent(site.origin.url)
        expect(winner).toBe(0)
        expect(cancelled).toEqual([ids[1], ids[2]])
        expect(yield* statuses("racing")).toEqual(["completed", "cancelled", "cancelled"])
        for (const { outcome } of yield* (yield* AgentTasks).results("racing", cancelled)) {
          expect(outcome).toMatchObject({ how: "interrupted", reason: { source: "lost-race", by: ids[0] } })
        }
        yield* closed(site, ["racing.medium", "racing.slow"])
      }).pipe(site.as("racing"))
    )
  )

  // S4-03, S4-37, S4-43, S4x-08: cancel and replace.
  it.live("test_agent_cancel_and_replace", () =>
    served((site) =>
      Effect.gen(function* () {
        const { bytes, old, replacement, slow, slowStatus } = yield* cancelAndReplaceAgent(site.origin.url)
        expect(old).toMatchObject({ _tag: "Cancelled", id: slow, reason: { source: "superseded" } })
        expect(slowStatus).toBe("cancelled")
        expect(bytes).toBe(256 * 1024)
        expect(yield* (yield* AgentTasks).results("replacing", [slow, replacement])).toMatchObject([
          { status: "cancelled", attempt: 1 },
          { status: "completed", attempt: 2 }
        ])
        yield* closed(site, ["replacing.slow"])
      }).pipe(site.as("replacing"))
    )
  )

  // S4-04, S4-38, S4-44: user cancel, partial cancel.
  it.live("test_agent_join_all_with_cancelled_handle", () =>
    served((site) =>
      Effect.gen(function* () {
        const { cancelledId, joined, rest, result, settled } = yield* joinCancelledAgent
        expect(result).toMatchObject({ _tag: "Cancelled", id: cancelledId })
        expect(joined).toMatchObject({ _tag: "Failure", failure: { _tag: "TaskCancelled", task: cancelledId } })
        expect(settled).toMatchObject({
          total: 2,
          completed: [{ index: 0 }],
          cancelled: [{ index: 1 }],
          failed: [],
          timedOut: []
        })
        expect(rest).toEqual([{ sleptMillis: 300, label: "kept" }])
        expect(yield* statuses("joining")).toEqual(["completed", "cancelled"])
      }).pipe(site.as("joining"))
    )
  )

  // S4-39, S4-45, S4x-24 settled partial.
  it.live("test_agent_parallel_with_failure", () =>
    served((site) =>
      Effect.gen(function* () {
        const { settled, total } = yield* parallelFailuresAgent
        expect(settled).toMatchObject({
          completed: [{ index: 0 }, { index: 2 }],
          failed: [{ index: 1, error: { _tag: "TaskFailed", error: { message: "The provider said no" } } }],
          cancelled: [],
          allSucceeded: false,
          anySucceeded: true
        })
        expect(total).toBe(250)
        expect(yield* statuses("parallel")).toEqual(["completed", "failed", "completed"])
      }).pipe(site.as("parallel"))
    )
  )

  // S4-40, S4-46.
  it.live("test_agent_batch_api_scheduling", () =>
    served((site) =>
      Effect.gen(function* () {
        const { labels, running, settled, unsent } = yield* batchAgent
        expect(labels).toEqual(["item 1", "item 2", "item 3", "item 4", "item 5"])
        expect([unsent._tag, running._tag]).toEqual(["Cancelled", "Cancelled"])
        expect(settled.cancelled.map(({ index }) => index)).toEqual([0, 1])
        expect(settled.completed.map(({ index }) => index)).toEqual([2, 3, 4])
        // The one that was dropped has never been there.
        expect(yield* statuses("batch")).toEqual([
          ...Array.from({ length: 5 }, () => "completed"),
          "cancelled",
          ...Array.from({ length: 3 }, () => "completed")
        ])
      }).pipe(site.as("batch"))
    )
  )

  // S4-16, S4-41, S4-47, S4-54.
  it.live("test_agent_cancel_idempotency", () =>
    served((site) =>
      Effect.gen(function* () {
        const { results, status } = yield* cancelIdempotencyAgent
        expect(results.map(({ _tag }) => _tag === "Cancelled")).toEqual([true, false, false])
        expect(results).toMatchObject([
          { _tag: "Cancelled", reason: { message: "first" } },
          { _tag: "AlreadyCancelled", reason: { message: "first" } },
          { _tag: "AlreadyCancelled", reason: { message: "first" } }
        ])
        expect(status).toBe("cancelled")
        expect(yield* statuses("idempotent")).toEqual(["cancelled"])
      }).pipe(site.as("idempotent"))
    )
  )

  // S4-48: plain select and selectOk; the loser completes later.
  it.live("test_agent_racing_tasks_select", () =>
    served((site) =>
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const slow = yield* schedule(Sleep, { ms: 400, label: "slow" })
        const fast = yield* schedule(Sleep, { ms: 50, label: "fast" })
        expect(yield* select([slow, fast])).toMatchObject({
          index: 1,
          outcome: { _tag: "Completed", value: { label: "fast" } }
        })
        expect(yield* selectOk([slow, fast])).toMatchObject({ index: 1, value: { label: "fast" } })
        expect(yield* slow.status).toBe("running")
        expect(yield* slow.join).toMatchObject({ label: "slow" })
        expect(yield* statuses("selecting")).toEqual(["completed", "completed"])
      }).pipe(site.as("selecting"))
    )
  )

  // S4-49: the value is kept.
  it.live("test_agent_cancel_completed_task", () =>
    served((site) =>
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const task = yield* schedule(Sleep, { ms: 20, label: "done" })
        expect(yield* task.join).toEqual({ sleptMillis: 20, label: "done" })
        expect(yield* task.cancel()).toEqual({ _tag: "AlreadyCompleted", id: task.id, duringGrace: false })
        expect(yield* task.join).toEqual({ sleptMillis: 20, label: "done" })
        expect(yield* (yield* AgentTasks).results("completing", [task.id])).toMatchObject([
          { status: "completed", outcome: { _tag: "Completed", value: { sleptMillis: 20, label: "done" } } }
        ])
      }).pipe(site.as("completing"))
    )
  )
})
