import { type Exit, interrupted } from "./exit.ts"
import { type Fiber, Node, type Policy, type Unit, wakes } from "./nodes.ts"

/** What owns units while a fiber waits for it: a nursery, race or join. */
export abstract class Group extends Node {
  readonly owner: Fiber
  protected readonly policy: Policy
  protected begun = false

  constructor(owner: Fiber, name: string, policy: Policy) {
    super(owner.unit.world, name, owner.unit)
    this.owner = owner
    this.policy = policy
  }

  abstract begin(): void
  abstract get done(): boolean
  abstract result(done: (exit: Exit) => void): void
  abstract memberEnded(unit: Unit): void

  /** The owner was interrupted, and all has ended. */
  lost(done: () => void): void {
    done()
  }

  override childClosed(child: Node): void {
    this.memberEnded(child as Unit)
    this.closeIfDone()
  }

  closeIfDone(): void {
    if (this.begun && !this.closed && this.children.size === 0 && this.done) this.close()
  }

  override tell(): void {
    this.told = true
    for (const child of this.children) child.tell()
    this.closeIfDone()
  }

  override get givenUp(): boolean {
    return this.told
  }

  override abandon(): void {
    this.closeIfDone()
  }

  /** K1: the owner waits until all has ended, and if it is interrupted all the same (K5, K12: without grace). */
  own(done: (exit: Exit) => void): void {
    const { owner } = this
    let left = false
    this.open()
    owner.abort = () => {
      left = true
      if (!this.told) this.cancel(owner.unit.readable ?? "", { giveUp: this.policy.giveUp })
    }
    this.onClosed(() => {
      owner.abort = undefined
      wakes(owner)
      if (left) this.lost(() => done(interrupted))
      else this.result(done)
    })
    this.begin()
    this.begun = true
    this.closeIfDone()
  }
}
