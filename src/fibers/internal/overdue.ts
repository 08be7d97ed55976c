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
  /** Other overdue requests, to scopes above it. */
  readonly above: ReadonlyArray<CancelRequest>
}

export interface Overdue {
  /** In the order of the tree, then stragglers. */
  readonly holders: ReadonlyArray<Holder>
  /** The age in milliseconds of the oldest request that is not overdue yet; -Infinity if there is none. */
  readonly oldestOther: number
}

/** How long ago a request came, in milliseconds. */
export type AgeOf = (request: CancelRequest) => number

export const overdueIn = (
  root: ScopeNode,
  stragglers: Iterable<ScopeNode>,
  threshold: number,
  ageOf: AgeOf
): Overdue => {
  const told: Array<ScopeNode> = []
  const waiting = new Set<ScopeNode>()
  let oldestOther = -Infinity
  const look = (node: ScopeNode): boolean => {
    const request = node.mark
    if (request === undefined) return false
    const age = ageOf(request)
    if (age >= threshold) return told.push(node) > 0
    oldestOther = Math.max(oldestOther, age)
    return false
  }
  root.walk((node) => {
    if (look(node)) for (let up = node.up; up !== undefined && !waiting.has(up); up = up.up) waiting.add(up)
    return true
  })
  const running = told.filter((node) => !waiting.has(node))
  told.length = 0
  for (const node of stragglers) look(node)
  const above = new Map<ScopeNode, ReadonlyArray<CancelRequest>>()
  const holders = running.map((node): Holder => {
    const up = node.up!
    let requests = above.get(up)
    if (requests === undefined) above.set(up, (requests = requestsFrom(up, threshold, ageOf)))
    return { node, request: node.mark!, above: requests.filter((request) => request !== node.mark) }
  })
  // Nobody waits for a straggler.
  for (const node of told) holders.push({ node, request: node.mark!, above: [] })
  return { holders, oldestOther }
}

const requestsFrom = (from: ScopeNode, threshold: number, ageOf: AgeOf): ReadonlyArray<CancelRequest> => {
  const requests = new Set<CancelRequest>()
  for (let node: ScopeNode | undefined = from; node !== undefined; node = node.up) {
    if (node.mark !== undefined && ageOf(node.mark) >= threshold) requests.add(node.mark)
  }
  return Array.from(requests)
}

/** As plain data. */
export const describe = ({ above, node, request }: Holder, age: number): OverdueCancel => {
  const span = node instanceof TaskNode && node.exit === undefined ? node.fiber?.cache.span : undefined
  return {
    path: node.path,
    name: node.name,
    kind: node.kind,
    reason: request.reason,
    askedAt: request.at,
    askedMillisAgo: Math.round(age),
    state: stateOf(node, request),
    ...(span?._tag === "Span" ? { in: span.name } : {}),
    waitsFor: node.gone ? [] : node.children().map((child) => `${child.kind} ${JSON.stringify(child.name)}`),
    holdsUp: above.map(({ reason }) => reason)
  }
}

const stateOf = (node: ScopeNode, request: CancelRequest): OverdueCancel["state"] => {
  if (node.gone) return "straggling"
  if (node instanceof TaskNode && node.committing) return "committing"
  if (!node.interrupted) return request.target.interrupted ? "held-off" : "grace"
  return node instanceof TaskNode && node.exit !== undefined ? "closing" : "cancelling"
}
