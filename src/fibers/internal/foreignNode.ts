/**
 * An operation outside of Effect that was told to stop and that nobody waits for
 * any more. It is never linked into the tree: it exists only while it is listed
 * among the stragglers. What runs for its sake (a late value that must be
 * closed) has it as the current node, and so reads why it was stopped.
 */
import type { CancelReason } from "../CancelReason.ts"
import type { CancelRequest } from "./cancelRequest.ts"
import { ScopeNode } from "./scopeNode.ts"

export class ForeignNode extends ScopeNode {
  private readonly owner: ScopeNode
  private readonly request: CancelRequest

  constructor(name: string, owner: ScopeNode, request: CancelRequest) {
    super("foreign", name, owner)
    this.owner = owner
    this.request = request
    this.mark = request
    this.interrupted = true
    this.neverOpen()
  }

  override get readable(): CancelReason {
    return this.request.reason
  }

  /** Where it was started, also when that has ended since. */
  override get path(): string {
    const above = this.owner.path
    return above === "" ? this.name : `${above}/${this.name}`
  }
}
