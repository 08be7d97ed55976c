/** What invariants of several subjects say: each throws where a law of the contract is broken. */
import assert from "node:assert/strict"
import * as Duration from "effect/Duration"
import type { CancelResult, TaskEvent, TaskOutcome } from "rescind/fibers"
import type { Trial } from "rescind/testing"

type AnyOutcome = TaskOutcome.TaskOutcome<unknown, unknown, unknown>

/** K9, K38: numbered from 1 without a gap, one terminal event, which is the last and tells the outcome. */
export const eventsAreInOrder = (events: ReadonlyArray<TaskEvent.TaskEvent>, outcome: AnyOutcome | undefined): void => {
  const told = events.map(({ _tag }) => _tag).join(", ")
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, index) => index + 1),
    `the numbers of the events have a gap: ${told}`
  )
  const terminal = events.filter(({ _tag }) => _tag === "Completed" || _tag === "Failed" || _tag === "Cancelled")
  assert.equal(terminal.length, 1, `not one terminal event: ${told}`)
  assert.equal(events.at(-1), terminal[0], `something follows the terminal event: ${told}`)
  if (outcome !== undefined) assert.equal(terminal[0]!._tag, outcome._tag, "the terminal event is not the outcome")
}

/** What a cancel answered agrees with how the task ended; `Requested` only where nobody could wait. */
export const answerAgrees = (
  answer: CancelResult.CancelResult | undefined,
  outcome: AnyOutcome | undefined,
  requested = false
): void => {
  // Whoever was to tell was cancelled.
  if (answer === undefined || outcome === undefined || (requested && answer._tag === "Requested")) return
  switch (answer._tag) {
    case "Cancelled":
    case "AlreadyCancelled":
      assert.equal(outcome._tag, "Cancelled", `the cancel answered ${answer._tag}, the task is ${outcome._tag}`)
      assert.equal(answer.reason, (outcome as TaskOutcome.Cancelled).reason, "another reason than the outcome's")
      assert.equal(answer.how, (outcome as TaskOutcome.Cancelled).how, "another way than the outcome's")
      return assert.equal(Duration.toMillis(answer.took), Duration.toMillis((outcome as TaskOutcome.Cancelled).took))
    case "AlreadyCompleted":
      return assert.equal(outcome._tag, "Completed")
    case "AlreadyFailed":
      return assert.equal(outcome._tag, "Failed")
    case "Requested":
    case "NotFound":
      assert.fail(`the cancel answered ${answer._tag}`)
  }
}

/** Of those who cancelled the same task exactly one won, unless somebody else did or it ended by itself. */
export const oneWon = (answers: ReadonlyArray<CancelResult.CancelResult | undefined>): void => {
  const winners = answers.filter((answer) => answer?._tag === "Cancelled")
  assert.ok(winners.length <= 1, `${winners.length} cancels say that theirs was the one`)
}

/** K1: after this note nothing is opened, closed or ended any more, unless the cancel gave up. */
export const isLastOf = (trial: Trial.Trial, note: string): void => {
  if (wasGivenUp(trial)) return
  const at = trial.ledger.journal.findIndex((line) => line.endsWith(` ${note}`))
  if (at < 0) return
  const late = trial.ledger.journal
    .slice(at + 1)
    .filter((line) => / (opened|closed|did) | (done|interrupted|failed)/.test(line))
  assert.deepEqual(late, [], `something went on after "${note}"`)
}

/** In this order, as far as both were noted, unless the cancel gave up. */
export const comesBefore = (trial: Trial.Trial, first: string, second: string): void => {
  if (wasGivenUp(trial)) return
  const place = (note: string) =>
    trial.ledger.journal.findIndex((line) => line.slice(line.indexOf(" ") + 1).startsWith(note))
  const [one, two] = [place(first), place(second)]
  if (one >= 0 && two >= 0) assert.ok(one < two, `"${first}" came after "${second}"`)
}

/** The cancel of the checker did not wait for the end. */
export const wasGivenUp = ({ outcome }: Trial.Trial): boolean =>
  outcome?._tag === "Cancelled" && outcome.how === "abandoned"

/** K4: told in the same instant, if both were told at all. */
export const toldTogether = (trial: Trial.Trial, ...names: ReadonlyArray<string>): void => {
  const times = names.flatMap((name) => {
    const line = trial.ledger.journal.find((line) => line.includes(` ${name} interrupted`))
    return line === undefined ? [] : [line.slice(0, line.indexOf(" "))]
  })
  assert.ok(new Set(times).size <= 1, `${names.join(", ")} were told at ${times.join(", ")} ms`)
}

/** The sources that whoever was watched under this name has read. */
export const sourcesReadBy = ({ ledger }: Trial.Trial, name: string): ReadonlyArray<string | undefined> =>
  ledger.ended.flatMap((ended) => (ended.name === name && ended.interrupted ? [ended.reason?.source] : []))

/** Without a cancel the program must complete with this. */
export const completes = (trial: Trial.Trial, value?: unknown): void => {
  const { cancelled, outcome } = trial
  if (cancelled !== undefined) return
  assert.equal(outcome?._tag, "Completed", `undisturbed it is ${outcome?._tag}`)
  if (value !== undefined) assert.deepEqual(outcome.value, value)
}
