/**
 * Who is told what becomes of a served task: its log, its metrics, its span. Each
 * task tells them itself, from its start to its end, so that they hear of every
 * road to a cancel, and of an end that outlives the server. They are told in the
 * step in which it happens: they may count, but neither wait nor throw.
 */
import type { CancelReason } from "../../fibers/CancelReason.ts"
import type { TaskNode } from "../../fibers/internal/taskNode.ts"
import { TaskRecord } from "../../fibers/internal/taskRecord.ts"
import type { Served } from "./served.ts"

export interface Watcher {
  /** It was taken on; its body has not begun. */
  readonly started?: (served: Served) => void
  /** The first request to stop has come. */
  readonly requested?: (served: Served, reason: CancelReason) => void
  /** The outcome is decided. */
  readonly ended?: (served: Served) => void
}

export const nodeOf = ({ task }: Served): TaskNode => task as unknown as TaskNode

/** From now on; what has happened already is told at once. */
export const watch = (watchers: ReadonlyArray<Watcher>, served: Served): void => {
  if (watchers.length === 0) return
  for (const { started } of watchers) started?.(served)
  const node = nodeOf(served)
  const requested = (reason: CancelReason) => {
    for (const { requested } of watchers) requested?.(served, reason)
  }
  if (node.mark !== undefined) requested(node.mark.reason)
  else TaskRecord.of(node).onRequest(requested)
  node.onClosed(() => {
    for (const { ended } of watchers) ended?.(served)
  })
}
