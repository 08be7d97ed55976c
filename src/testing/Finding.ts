/**
 * What a checker found wrong in one run: a kind, which options can allow, and a sentence with the numbers and names.
 *
 * @since 0.1.0
 */

/**
 * | kind | says |
 * |---|---|
 * | `stuck` | nothing can run any more, yet the program has not ended: a deadlock, or it waits for something outside |
 * | `escaped` | the same, and it waits for a promise or a real timer, which no checker can drive: named in place of `stuck` |
 * | `died` | the program itself ended with a defect: it threw, or a service was missing; a typed failure is no finding |
 * | `gate-closed` | somebody still waits at a gate that nobody opened |
 * | `endless` | more operations than `maxSteps` |
 * | `fiber-left` | fibers live on although the program has ended |
 * | `timer-left` | sleeps go on although the program has ended |
 * | `scope-left` | tasks or scopes are still open although the program has ended |
 * | `straggler-left` | a straggler has not ended although nothing can run any more |
 * | `not-released` | a resource or finalizer of the ledger was not closed |
 * | `released-twice` | it was closed more than once |
 * | `completed-after-cancel` | the program was interrupted, and returned all the same |
 * | `work-after-cancel` | `Ledger.work` began after the cancel; after the answer, if the program has its own |
 * | `cancel-failed` | the program's own cancel failed, or never answered |
 * | `reason-unread` | a finalizer was interrupted and read no reason |
 * | `reason-changed` | a finalizer read the reason of a later cancel |
 * | `clean-up-failed` | a finalizer failed or died |
 * | `slow` | the cancel took longer than `within`, in virtual time |
 * | `not-repeatable` | two runs of the same schedule differ: it uses chance or time from outside Effect |
 * | `invariant` | your own invariant said so |
 *
 * @category models
 * @since 0.1.0
 */
export type Kind =
  | "stuck"
  | "escaped"
  | "died"
  | "gate-closed"
  | "endless"
  | "fiber-left"
  | "timer-left"
  | "scope-left"
  | "straggler-left"
  | "not-released"
  | "released-twice"
  | "completed-after-cancel"
  | "work-after-cancel"
  | "cancel-failed"
  | "reason-unread"
  | "reason-changed"
  | "clean-up-failed"
  | "slow"
  | "not-repeatable"
  | "invariant"

/**
 * @category models
 * @since 0.1.0
 */
export interface Finding {
  readonly kind: Kind
  readonly message: string
  /** What your invariant threw, or what clean-up failed with. */
  readonly cause?: unknown
}
