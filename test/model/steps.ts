/** What each step of a plan does on a fiber: K9 (commit), K13, and Effect's own sequence. */
import { memberName, targetOf } from "../../src/testing/internal/plan/naming.ts"
import type { Step } from "../../src/testing/TaskPlan.ts"
import type { Of } from "./Of.ts"
import { both, type Done, type Exit, interrupted, ok, textOf } from "./exit.ts"
import { JoinGroup, outcomeText } from "./join.ts"
import { LatestGroup } from "./latest.ts"
import { type Body, clean, Fiber, type Named, type Node, type Policy, type Request, type Unit } from "./nodes.ts"
import { NurseryGroup } from "./nursery.ts"
import { RaceGroup } from "./race.ts"
import { Bounded, Shielded, unmask } from "./regions.ts"
import type { World } from "./world.ts"

export class Steps {
  readonly world: World
  readonly tasks = new Map<string, Unit>()
  /** What each unit runs. */
  readonly steps = new Map<string, Step>()
  private readonly names: ReadonlyArray<string>

  constructor(world: World, names: ReadonlyArray<string>) {
    this.world = world
    this.names = names
  }

  /** With its start and stop in the journal, and the reason that it reads at the stop. */
  unit(name: string, step: Step, last: boolean): Named {
    this.steps.set(name, step)
    const body: Body = (fiber, done) => {
      this.world.note(name, "starts")
      this.run(step, fiber, last, (exit) => {
        const reason = fiber.unit.readable
        this.world.note(name, "stops", reason === undefined ? textOf(exit) : `${textOf(exit)}, ${reason}`)
        done(exit)
      })
    }
    return { name, body }
  }

  private members(step: Step): ReadonlyArray<Named> {
    return step.members.map((member, index) => this.unit(memberName(step, index), member, false))
  }

  private sleep(fiber: Fiber, ms: number, done: Done): void {
    const stop = this.world.after(ms, () => {
      fiber.abort = undefined
      done(ok)
    })
    fiber.abort = () => {
      stop()
      done(interrupted)
    }
  }

  run(step: Step, fiber: Fiber, last: boolean, done: Done): void {
    if (fiber.stopped) return done(interrupted)
    switch (step._tag) {
      case "Sleep":
        return this.sleep(fiber, step.ms, done)
      case "Succeed":
        return done(ok)
      case "Fail":
      case "Die":
        return done([step.name])
      case "Interrupt":
        return done(interrupted)
      case "Finalizer":
        fiber.scope.finalizers.push({ name: step.name, cleanup: step.cleanup, by: fiber.unit })
        return done(ok)
      case "Sequence":
        return this.sequence(step.members, fiber, last, done)
      case "Catch":
        return this.run(step.members[0], fiber, false, (exit) => done(fiber.stopped ? exit : ok))
      case "Resource":
        return this.run(step.members[0], fiber, false, (exit) => {
          fiber.masks++
          clean(this.world, step.name, step.cleanup, fiber.unit, (cleaned) => unmask(fiber, both(exit, cleaned), done))
        })
      case "Uninterruptible":
        fiber.masks++
        return this.run(step.members[0], fiber, false, (exit) => unmask(fiber, exit, done))
      case "Commit":
        return last ? this.commit(step, fiber, done) : this.run(step.members[0], fiber, false, done)
      case "Shield":
        return new Shielded(this, step, fiber).own(done)
      case "Deadline":
        return new Bounded(this, step, fiber).own(done)
      case "Nursery":
        return new NurseryGroup(fiber, step, (nursery) => this.body(step, nursery)).own(done)
      case "Race":
        return new RaceGroup(fiber, step, this.members(step)).own(done)
      case "Join":
        return new JoinGroup(fiber, step, this.members(step)).own(done)
      case "Latest":
        return this.latest(step, fiber, done)
      case "Cancel":
        return this.cancel(step.name, `request/${step.name}`, step.target, step, step.wait, fiber, done)
      case "Child":
      case "Native":
      case "Yield":
      case "Extra":
        throw new Error(`The model knows no ${step._tag}`)
    }
  }

  private sequence([step, ...rest]: ReadonlyArray<Step>, fiber: Fiber, last: boolean, done: Done): void {
    if (step === undefined) return done(ok)
    this.run(step, fiber, last && rest.length === 0, (exit) =>
      exit.length > 0 || rest.length === 0 ? done(exit) : this.sequence(rest, fiber, last, done)
    )
  }

  private body(step: Of<"Nursery">, nursery: NurseryGroup): Body {
    const [first, ...children] = step.members
    return (fiber, done) => {
      for (const child of children) {
        const named = this.unit(child.name, child.members[0]!, true)
        this.tasks.set(child.name, nursery.spawn(named, child._tag === "Child" && child.background))
      }
      this.unit(`${step.name}.body`, first!, false).body(fiber, done)
    }
  }

  /** K9: what comes meanwhile waits; the save itself is only stopped by its own bound. */
  private commit({ members, within }: Of<"Commit">, fiber: Fiber, done: Done): void {
    const { unit } = fiber
    unit.committing = true
    const saving = new Fiber(unit, fiber.scope)
    const over = (exit: Exit) => {
      stop()
      if (exit.length > 0) unit.committing = false
      done(exit)
    }
    let late = false
    const stop = this.world.after(within, () => {
      this.world.decide()
      late = true
      saving.interrupt()
    })
    this.run(members[0], saving, false, (exit) => over(late ? [`CommitTimedOut(${unit.name})`] : exit))
  }

  private latest(step: Of<"Latest">, fiber: Fiber, done: Done): void {
    const group = new LatestGroup(fiber, `${step.name}.runs`, step)
    group.open()
    group.begin()
    const runs = this.members(step)
    const leave = (exit: Exit) => {
      fiber.masks++
      const reason = fiber.unit.readable ?? `scope-closed/${group.name}/${group.name}`
      group.end(reason, () => unmask(fiber, exit, done))
    }
    const next = (index: number): void => {
      if (fiber.stopped) return leave(interrupted)
      const run = group.replace(runs[index]!)
      if (index + 1 < runs.length) {
        return this.sleep(fiber, step.every, (exit) => (exit.length > 0 ? leave(exit) : next(index + 1)))
      }
      wait(fiber, run, (exit) => {
        if (exit.length === 0) this.world.note(step.name, "report", outcomeText(run))
        leave(exit)
      })
    }
    next(0)
  }

  /** K8, K12, K13. `fiber` asks, or somebody outside. */
  cancel(
    who: string,
    reason: string,
    target: number,
    policy: Policy,
    waits: boolean,
    fiber: Fiber | undefined,
    done: Done
  ): void {
    const name = targetOf(this.names, target)
    const task = this.tasks.get(name)
    const answer = (text: string) => {
      this.world.note(who, "answer", text)
      done(ok)
    }
    if (task === undefined) return answer("Unknown")
    const before = task.closed
    if (
      fiber !== undefined &&
      fiber.unit !== task &&
      fiber.unit.isWithin(task) &&
      fiber.unit.startedAt === this.world.now
    ) {
      this.world.leaveOpen("a member cancels who is still starting it")
    }
    const request = task.cancel(`${reason}/${name}`, policy)
    if (fiber?.stopped === true) return done(interrupted)
    if (!before && (!waits || fiber?.unit.isWithin(task) === true))
      return task.closed && waits ? answer(answerOf(task, request)) : answer("Requested")
    if (fiber === undefined) return void task.onClosed(() => answer(answerOf(task, request)))
    if (task.closed) return answer(answerOf(task, request))
    wait(fiber, task, (exit) => {
      if (exit.length > 0) return done(exit)
      this.world.wake()
      answer(answerOf(task, request))
    })
  }
}

const answerOf = ({ mark, verdict }: Unit, request: Request): string => {
  if (verdict === "completed") return "AlreadyCompleted"
  if (verdict === "failed") return "AlreadyFailed"
  return mark === request ? "Cancelled" : "AlreadyCancelled"
}

const wait = (fiber: Fiber, node: Node, done: Done): void => {
  if (node.closed) return done(ok)
  const withdraw = node.onClosed(() => {
    fiber.abort = undefined
    done(ok)
  })
  fiber.abort = () => {
    withdraw()
    const at = node.world.now
    node.onClosed(() => {
      if (node.world.now === at) node.world.leaveOpen("a waiter is told in the instant that ends what it waits for")
    })
    done(interrupted)
  }
}
