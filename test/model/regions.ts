/** Regions of a fiber: their work runs as a unit of its own while the owner waits: K33, K34 (deadlines), K39 (shields). */
import type { Of } from "./Of.ts"
import { type Done, type Exit, interrupted } from "./exit.ts"
import { Fiber, type Policy, type Request, Unit, wakes } from "./nodes.ts"
import type { Steps } from "./steps.ts"

abstract class Region extends Unit {
  protected readonly owner: Fiber

  constructor(steps: Steps, step: Of<"Shield"> | Of<"Deadline">, owner: Fiber) {
    super(steps.world, step.name, owner.unit, steps.unit(step.name, step.members[0], false).body)
    this.owner = owner
  }

  abstract own(done: Done): void
}

/** K39: no cancel from outside gets in; the budget counts from the first that is held off. */
export class Shielded extends Region {
  private readonly budget: number | undefined
  private held: Request | undefined

  constructor(steps: Steps, step: Of<"Shield">, owner: Fiber) {
    super(steps, step, owner)
    this.budget = step.budget
  }

  override get standsAlone(): boolean {
    return true
  }

  protected override makeFiber(): Fiber {
    return new Fiber(this, this.owner.scope)
  }

  override heldOff(request: Request): void {
    if (this.held !== undefined || this.budget === undefined) return
    this.held = request
    this.later(this.budget, () => {
      if (!this.owner.told) this.world.leaveOpen("a budget ends within the grace")
      this.cancel(request.reason, {})
    })
  }

  override own(done: Done): void {
    const { owner } = this
    owner.masks++
    this.open()
    const above = this.up!.mark
    if (above !== undefined) this.heldOff(above)
    this.onClosed(() => {
      this.heir = owner.unit
      wakes(owner)
      unmask(owner, this.exit!, done)
    })
    this.start()
  }
}

/** K33, K34. */
export class Bounded extends Region {
  private readonly limit: number
  private readonly policy: Policy
  private passed = false

  constructor(steps: Steps, step: Of<"Deadline">, owner: Fiber) {
    super(steps, step, owner)
    this.limit = step.limit
    this.policy = step
  }

  protected override keepsScope(exit: Exit): boolean {
    return exit.length === 0 && !this.told
  }

  override own(done: Done): void {
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
      if (this.how !== "abandoned") {
        this.heir = owner.unit
        owner.scope.finalizers.push(...this.finalizers.splice(0))
      }
      if (left) return done(interrupted)
      if (this.verdict !== "cancelled" || !this.passed) return done(this.exit!)
      this.world.note(this.name, "report", `exceeded ${this.how}`)
      done([`DeadlineExceeded(${this.name})`])
    })
    this.start()
    if (!this.closed) {
      this.later(this.limit, () => {
        this.passed = true
        this.cancel(`timeout/${this.name}/${this.name}`, this.policy)
      })
    }
  }
}

/** A cancel that came meanwhile takes effect now. */
export const unmask = (fiber: Fiber, exit: Exit, done: Done): void => {
  fiber.masks--
  done(fiber.stopped ? interrupted : exit)
}
