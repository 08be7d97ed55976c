/**
 * Who is told what becomes of a served task: its log, its metrics, its span. Each
 * task tells them itself, from its start to its end, so that they hear of every
 * road to a cancel, and of an end that outlives the server. They are told in the
 * step in which it happens: they may count, but neither wait nor throw.
 */
import type { CancelReason } from "../../fibers/CancelReason.ts"
import type { TaskNode } from "../../fibers/internal/taskNode.ts"
import type { Served } from "./servedTask.ts"

export interface Watcher {
  /** It was taken on; its body has not begun. */
  readonly started?: (served: Served) => void
  /** The first request to stop has come. */
  readonly requested?: (served: Served, reason: CancelReason) => void
  /** The outcome is decided. */
  readonly ended?: (served: Served) => void
}

export const nodeOf = ({ task }: Served): TaskNode => task as unknown as TaskNode
