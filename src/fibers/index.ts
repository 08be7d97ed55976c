/**
 * Tasks that own their children, and cancels that carry a reason.
 *
 * @since 0.1.0
 */
export { CancelAbortError } from "./CancelAbortError.ts"
export * as CancelPolicy from "./CancelPolicy.ts"
export * as CancelReason from "./CancelReason.ts"
export * as CancelResult from "./CancelResult.ts"
export * as CancelSignal from "./CancelSignal.ts"
export * as Checkpoint from "./Checkpoint.ts"
export * as Nursery from "./Nursery.ts"
export { ScopeCancelled } from "./ScopeCancelled.ts"
export * as Shield from "./Shield.ts"
export * as Stragglers from "./Stragglers.ts"
export * as Task from "./Task.ts"
export { TaskCancelled } from "./TaskCancelled.ts"
export * as TaskEvent from "./TaskEvent.ts"
export * as TaskOutcome from "./TaskOutcome.ts"
export { AlreadyRunning, Draining, TaskNotFound, Tasks, TooManyTasks } from "./Tasks.ts"
export type { DrainOptions, DrainReport, StartOptions, TaskInfo } from "./Tasks.ts"
export * as TaskTree from "./TaskTree.ts"
