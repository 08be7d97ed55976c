/** Batches: a report of every item, and handles that cancel one of them or all. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import { Batch } from "rescind/combinators"
import { CancelReason } from "rescind/fibers"
import { Ledger, type Trial } from "rescind/testing"
import { completes, isLastOf, sourcesReadBy } from "../../laws.ts"
import { after, began, endOf, failing, member } from "../../reports.ts"
import type { Subject } from "../../Subject.ts"

type Report = Batch.BatchReport<string, unknown, unknown>

const left = <A, E, R>(batch: Effect.Effect<A, E, R>) => Effect.ensuring(batch, Ledger.note("left"))

/** K36: every item once, in the order of the input, as it ended; the counts are those of the items. */
const agrees = (trial: Trial.Trial, items: ReadonlyArray<string>, report: Report): void => {
  assert.deepEqual(
    report.items.map(({ item }) => item),
    items
  )
  const count = (tag: string) => report.items.filter(({ outcome }) => outcome._tag === tag).length
  assert.deepEqual(
    [report.completed, report.failed, report.cancelled],
    [count("Completed"), count("Failed"), count("Cancelled")]
  )
  for (const { item, outcome } of report.items) {
    if (outcome._tag === "Completed") assert.equal(endOf(trial, item), "done")
    else if (outcome._tag === "Failed") assert.equal(endOf(trial, item), "failed")
    else if (outcome.how !== "abandoned") assert.ok(outcome.reason !== undefined)
  }
}

const items = ["one", "two", "three", "four"]

const work = (item: string) => member(item, item === "two" ? failing(2, item) : after(item === "one" ? 3 : 4, item), 1)

const collects: Subject = {
  name: "all items run two at a time, whatever becomes of single ones, and each is reported",
  covers: ["Batch.collect"],
  laws: ["K1", "K36"],
  allow: ["clean-up-failed"],
  program: left(Batch.collect(items, work, { concurrency: 2 })),
  invariant: (trial) => {
    isLastOf(trial, "left")
    if (trial.outcome?._tag !== "Completed") return assert.ok(trial.cancelled !== undefined)
    const report = trial.outcome.value as Report
    agrees(trial, items, report)
    if (trial.cancelled === undefined) assert.deepEqual([report.completed, report.failed, report.cancelled], [3, 1, 0])
  }
}

const failsFast: Subject = {
  name: "the first failure ends the batch, nobody starts any more, and the report has every item",
  covers: ["Batch.failFast"],
  laws: ["K1", "K19", "K36"],
  allow: ["clean-up-failed"],
  program: left(Effect.flip(Batch.failFast(items, work, { concurrency: 2 }))),
  invariant: (trial) => {
    isLastOf(trial, "left")
    if (trial.cancelled !== undefined) return
    assert.equal(trial.outcome?._tag, "Completed")
    const { report } = trial.outcome.value as { readonly report: Report }
    agrees(trial, items, report)
    assert.ok(!began(trial, "four"), "the fourth started after the failure")
    assert.equal(report.failed, 1)
  }
}

const cancelled: Subject = {
  name: "one item is cancelled, then all, also those that wait for their turn; each reads its reason",
  covers: ["Batch.start"],
  laws: ["K1", "K8", "K18", "K36"],
  allow: ["clean-up-failed"],
  program: left(
    Effect.scoped(
      Effect.gen(function* () {
        const batch = yield* Batch.start(["one", "two", "three", "four"], (item) => member(item, Effect.never, 1), {
          concurrency: 2
        })
        yield* Effect.sleep(1)
        const one = yield* batch.cancelItem(0, { reason: CancelReason.request({ by: "ann" }) })
        const none = yield* batch.cancelItem(7)
        yield* Effect.sleep(1)
        const report = yield* batch.cancel({ reason: CancelReason.request({ by: "bob" }) })
        const same = yield* batch.report
        return { report, tags: [one._tag, none._tag, same.cancelled] }
      })
    )
  ),
  invariant: (trial) => {
    isLastOf(trial, "left")
    if (trial.cancelled !== undefined) return
    assert.equal(trial.outcome?._tag, "Completed")
    const { report, tags } = trial.outcome.value as { report: Report; tags: ReadonlyArray<unknown> }
    assert.deepEqual(tags, ["Cancelled", "NotFound", 4])
    agrees(trial, items, report)
    const by = report.items.map(({ outcome }) => (outcome._tag === "Cancelled" ? outcome.reason.by : outcome._tag))
    assert.deepEqual(by, ["ann", "bob", "bob", "bob"])
    assert.ok(!began(trial, "four"), "one that waited for its turn ran after the cancel")
  }
}

const ofWaiting: Subject = {
  name: "an item that is cancelled while it waits never runs, and takes no place from those behind it",
  covers: ["Batch.start"],
  laws: ["K5", "K10", "K36"],
  program: left(
    Effect.scoped(
      Effect.gen(function* () {
        const batch = yield* Batch.start(["one", "two", "three"], (item) => member(item, after(3, item), 0), {
          concurrency: 1
        })
        yield* Effect.sleep(1)
        const { _tag } = yield* batch.cancelItem(1)
        const { items } = yield* batch.report
        return [_tag, ...items.map(({ outcome }) => outcome._tag)]
      })
    )
  ),
  invariant: (trial) => {
    completes(trial, ["Cancelled", "Completed", "Cancelled", "Completed"])
    isLastOf(trial, "left")
    if (trial.cancelled === undefined) assert.ok(!began(trial, "two"))
  }
}

const scoped: Subject = {
  name: "a batch that fails fast on its own, and one whose scope closes, tell whoever waits for the report",
  covers: ["Batch.start"],
  laws: ["K1", "K19"],
  allow: ["clean-up-failed"],
  program: left(
    Effect.gen(function* () {
      const failed = yield* Effect.scoped(
        Effect.flatMap(Batch.start(items, work, { onFailure: "fail-fast" }), ({ report }) => Effect.flip(report))
      )
      const closed = yield* Effect.scoped(Batch.start(["slow"], (item) => member(item, Effect.never, 1)))
      return [failed._tag, (yield* Effect.flip(closed.report))._tag]
    })
  ),
  invariant: (trial) => {
    completes(trial, ["BatchFailed", "TaskCancelled"])
    isLastOf(trial, "left")
    if (trial.cancelled === undefined) {
      assert.ok(sourcesReadBy(trial, "slow's clean-up").every((source) => source === "scope-closed"))
    }
  }
}

export const subjects: ReadonlyArray<Subject> = [collects, failsFast, cancelled, ofWaiting, scoped]
