/** What is wrong with a run that has ended: the checks that hold for every program, then the user's own. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as CancelReason from "../../fibers/CancelReason.ts"
import type { ScopeNode } from "../../fibers/internal/scopeNode.ts"
import type { Finding, Kind } from "../Finding.ts"
import type { Ledger } from "../Ledger.ts"
import type { Invariant, Trial } from "../Trial.ts"
import { named } from "./options.ts"
import { heldBack } from "./held.ts"

/** How things stood when the cancel came. */
export interface Circumstances {
  bodyHadEnded: boolean
  committing: boolean
  /** The program brought its own cancel. */
  readonly own: boolean
  /** That cancel has not answered yet. */
  cancelling?: boolean
  cancelFailed?: Cause.Cause<unknown>
}

/** What is left when the program has ended, and how it got there. */
export interface Remains extends Circumstances {
  readonly fibers: number
  readonly timers: number
  /** Somebody can run, so time does not pass. */
  readonly waitsForTurns: boolean
  readonly scopes: ReadonlyArray<ScopeNode>
  readonly program: ScopeNode | undefined
  readonly stragglers: ReadonlySet<ScopeNode>
  readonly overrun: boolean
  /** The body returned a value. */
  readonly returned: boolean
  /** The cancel allowed it to finish. */
  readonly patient: boolean
  readonly second: CancelReason.Draft | undefined
  readonly within: number | undefined
}

type Add = (kind: Kind, message: string, cause?: unknown) => void

type Unjudged<A, E> = Omit<Trial<A, E>, "findings">

export const judge = <A, E>(
  trial: Unjudged<A, E>,
  invariant: Invariant<A, E> | undefined,
  remains: Remains
): ReadonlyArray<Finding> => {
  const findings: Array<Finding> = []
  const add: Add = (kind, message, cause) => {
    findings.push(cause === undefined ? { kind, message } : { kind, message, cause })
  }
  if (remains.overrun) add("endless", `It had not ended after ${trial.steps} operations${timersOf(remains)}`)
  else if (trial.outcome === undefined) add("stuck", `Nothing can run any more, but ${openIn(remains.program!)}`)
  else {
    if (trial.outcome._tag === "Failed") died(trial.outcome.cause, add)
    leftovers(remains, add)
    if (trial.cancelled !== undefined) afterCancel(trial, trial.cancelled, remains, add)
    fromLedger(trial.ledger, remains, add)
  }
  for (const said of heldBack(trial.ledger.gates)) add("gate-closed", said)
  if (invariant !== undefined && trial.outcome !== undefined) {
    const said = saidBy(invariant, { ...trial, findings })
    if (said !== undefined) add("invariant", said.message, said.cause)
  }
  return findings
}

const openIn = (program: ScopeNode): string => {
  const open: Array<string> = []
  program.walk((node) => {
    if (node !== program) open.push(`${node.kind} "${node.name}"`)
    return true
  })
  return open.length === 0 ? "the program has not ended" : `these have not ended: ${listed(open)}`
}

/** A failure is an answer; a defect is what nobody expected, such as an assertion in the program itself. */
const died = (cause: Cause.Cause<unknown>, add: Add): void => {
  const [error] = Cause.prettyErrors(Cause.fromReasons(cause.reasons.filter(Cause.isDieReason)))
  if (error !== undefined) add("died", `It died: ${error.name}: ${error.message}`, error)
}

/** Whoever turns in a circle until a timer fires never sees it fire. */
const timersOf = ({ timers, waitsForTurns }: Remains): string =>
  timers === 0 || !waitsForTurns
    ? ""
    : `. ${count(timers, "timer")} set: time passes only when nobody can run, so a loop that waits for it must sleep`

const leftovers = (remains: Remains, add: Add): void => {
  const { stragglers } = remains
  if (stragglers.size > 0) {
    add("straggler-left", `${listed(Array.from(stragglers, (node) => `"${node.path}"`))} never ended`)
  }
  if (stragglers.size > 0) return
  if (remains.fibers > 0) add("fiber-left", `${count(remains.fibers, "fiber")} still alive when the program had ended`)
  if (remains.timers > 0) add("timer-left", `${count(remains.timers, "timer")} still set when the program had ended`)
  if (remains.scopes.length > 0) {
    add("scope-left", `still open when the program had ended: ${listed(remains.scopes.map((node) => node.path))}`)
  }
}

const afterCancel = (
  { outcome, took, ledger }: Unjudged<unknown, unknown>,
  cancelled: NonNullable<Trial["cancelled"]>,
  remains: Remains,
  add: Add
): void => {
  const finished = remains.own || remains.bodyHadEnded || remains.committing || remains.patient
  if (remains.returned && !finished) {
    add("completed-after-cancel", "It was interrupted and returned all the same: something in it swallows interrupts")
  }
  if (remains.cancelling === true) add("cancel-failed", "The cancel itself has not answered")
  if (remains.cancelFailed !== undefined) {
    add("cancel-failed", `The cancel itself failed: ${Cause.pretty(remains.cancelFailed)}`)
  }
  for (const { scope, cause } of outcome!.cleanupFailures) {
    const errors = Cause.prettyErrors(cause)
    const said = errors.map(({ name, message }) => `${name}: ${message}`).join(", ")
    add("clean-up-failed", `Clean-up of "${scope}" failed: ${said}`, errors[0])
  }
  if (!remains.committing && !remains.patient) {
    for (const { name, afterCancel } of ledger.work) {
      if (afterCancel) add("work-after-cancel", `"${name}" was done although the program had been cancelled`)
    }
  }
  if (remains.within !== undefined && took - cancelled.at > remains.within) {
    add("slow", `It took ${took - cancelled.at} ms from the cancel to the end, more than ${remains.within} ms`)
  }
}

const fromLedger = (ledger: Ledger, remains: Remains, add: Add): void => {
  for (const { name, released } of ledger.opened) {
    if (released === 0) add("not-released", `"${name}" was opened and never closed`)
    else if (released > 1) add("released-twice", `"${name}" was closed ${released} times`)
  }
  for (const { name, interrupted, reason, told, givenUp } of ledger.ended) {
    if (interrupted && reason === undefined && told && !givenUp) {
      add("reason-unread", `"${name}" was interrupted and could not read why`)
    }
    if (remains.second !== undefined && reason !== undefined && reason.message === remains.second.message) {
      add("reason-changed", `"${name}" read the reason of the second cancel`)
    }
  }
}

const saidBy = <A, E>(
  invariant: Invariant<A, E>,
  trial: Trial<A, E>
): { readonly message: string; readonly cause?: unknown } | undefined => {
  const exit = Effect.runSyncExit(Effect.sync(() => invariant(trial)))
  // `expect` answers an object.
  if (exit._tag === "Success") return typeof exit.value === "string" ? { message: exit.value } : noAnswer(exit.value)
  const cause = Cause.squash(exit.cause)
  return { message: cause instanceof Error ? cause.message : String(cause), cause }
}

const most = 12

const listed = (names: ReadonlyArray<string>): string =>
  names.length <= most ? names.join(", ") : `${names.slice(0, most).join(", ")} and ${names.length - most} more`

/** Of an asynchronous check nobody would hear. */
const noAnswer = (value: unknown): { readonly message: string } | undefined => {
  if (!Predicate.isPromiseLike(value) && !Effect.isEffect(value)) return undefined
  return { message: `It answered ${named(value)}: it must say at once what is wrong` }
}

const count = (number: number, what: string): string => (number === 1 ? `1 ${what} was` : `${number} ${what}s were`)
