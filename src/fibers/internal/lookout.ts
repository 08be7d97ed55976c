/**
 * Looks after slow cancels: wakes when a request has become as old as the
 * threshold, and while something is overdue once in each threshold. A node is
 * told of at the first look, when it comes to hold up one more cancel, and whenever
 * the age of its cancel has doubled.
 */
import type { OverdueCancel } from "../OverdueCancel.ts"
import type { CancelRequest } from "./cancelRequest.ts"
import { ageOf, describe, overdueIn } from "./overdue.ts"
import type { ScopeNode } from "./scopeNode.ts"

interface Told {
  readonly requests: ReadonlySet<CancelRequest>
  /** The age in milliseconds at which it is told of again. */
  readonly again: number
}

export class Lookout {
  private readonly root: ScopeNode
  private readonly stragglers: Iterable<ScopeNode>
  private readonly threshold: number
  /** Who was told of and had not ended at the last look. */
  private told = new Map<ScopeNode, Told>()

  constructor(root: ScopeNode, stragglers: Iterable<ScopeNode>, threshold: number) {
    this.root = root
    this.stragglers = stragglers
    this.threshold = threshold
  }

  /** All that is overdue now. */
  get overdue(): ReadonlyArray<OverdueCancel> {
    return overdueIn(this.root, this.stragglers, this.threshold).holders.map(describe)
  }

  /** What is to be told now, and when to look again: Infinity if no cancel is under way. */
  look(now: number): { readonly news: ReadonlyArray<OverdueCancel>; readonly next: number } {
    const { holders, oldestOther } = overdueIn(this.root, this.stragglers, this.threshold)
    const told = new Map<ScopeNode, Told>()
    const news: Array<OverdueCancel> = []
    let next = oldestOther + this.threshold
    if (holders.length > 0) next = Math.min(next, now + this.threshold)
    for (const holder of holders) {
      const { above, node, request } = holder
      const age = ageOf(node, request)
      let before = this.told.get(node)
      if (
        before === undefined ||
        age >= before.again ||
        ![request, ...above].every((one) => before!.requests.has(one))
      ) {
        news.push(describe(holder))
        before = { requests: new Set([request, ...above]), again: 2 * age }
      }
      told.set(node, before)
      next = Math.min(next, now + before.again - age)
    }
    this.told = told
    return { news, next }
  }
}
