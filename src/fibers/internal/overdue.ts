/**
 * Finds the cancels that take long, and what holds each of them up: of the nodes
 * that were told to stop before a given time, those below which nobody else was.
 * An ancestor only waits for them.
 */
import type { OverdueCancel } from "../OverdueCancel.ts"
import type { CancelRequest } from "./cancelRequest.ts"
import type { ScopeNode } from "./scopeNode.ts"
import { TaskNode } from "./taskNode.ts"

export interface Holder {
  readonly node: ScopeNode
  readonly request: CancelRequest
}

export interface Overdue {
  /** In the order of the tree, then stragglers. */
  readonly holders: ReadonlyArray<Holder>
  /** When the oldest request came that is not overdue yet. */
  readonly oldestOther: number
}

export const overdueIn = (root: ScopeNode, stragglers: Iterable<ScopeNode>, threshold: number): Overdue => {
  const told: Array<Holder> = []
  const waiting = new Set<ScopeNode>()
  let oldestOther = Infinity
  const look = (node: ScopeNode): void => {
    const request = node.mark
    if (request === undefined) return
    if (node.clock.currentTimeMillisUnsafe() - request.at < threshold) {
      oldestOther = Math.min(oldestOther, request.at)
      return
    }
    told.push({ node, request })
    for (let up = node.up; up !== undefined && !waiting.has(up); up = up.up) waiting.add(up)
  }
  root.walk((node) => {
    look(node)
    return true
  })
  const holders = told.filter(({ node }) => !waiting.has(node))
  const running = holders.length
  told.length = 0
  for (const node of stragglers) look(node)
  return { holders: told.length === 0 ? holders : holders.slice(0, running).concat(told), oldestOther }
}

/** As plain data. */
export const describe = ({ node, request }: Holder): OverdueCancel => {
  const span = node instanceof TaskNode && node.exit === undefined ? node.fiber?.cache.span : undefined
  return {
    path: node.path,
    name: node.name,
    kind: node.kind,
    reason: request.reason,
    askedAt: request.at,
    askedMillisAgo: node.clock.currentTimeMillisUnsafe() - request.at,
    state: stateOf(node, request),
    ...(span?._tag === "Span" ? { in: span.name } : {}),
    waitsFor: node.gone ? [] : node.children().map((child) => `${child.kind} ${JSON.stringify(child.name)}`)
  }
}

const stateOf = (node: ScopeNode, request: CancelRequest): OverdueCancel["state"] => {
  if (node.gone) return "straggling"
  if (node instanceof TaskNode && node.committing) return "committing"
  if (!node.interrupted) return request.target.interrupted ? "held-off" : "grace"
  return node instanceof TaskNode && node.exit !== undefined ? "closing" : "cancelling"
}
