/** A plan as a program: each step an effect that writes to the journal. */
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import { observe } from "../../../fibers/internal/observers.ts"
import type { TaskNode } from "../../../fibers/internal/taskNode.ts"
import * as Nursery from "../../../fibers/Nursery.ts"
import * as Shield from "../../../fibers/Shield.ts"
import * as Task from "../../../fibers/Task.ts"
import type { CancelResult } from "../../../fibers/CancelResult.ts"
import { TaskJournal } from "../../TaskJournal.ts"
import type { Cleanup, OuterCancel, Step, TaskPlan } from "../../TaskPlan.ts"
import { Notes, patienceOf, textOfCause } from "./notes.ts"
import { memberName, targetOf, tasksOf } from "./naming.ts"
import * as Combining from "./combining.ts"

type Run = Effect.Effect<void, unknown, Scope.Scope>

export const runPlan = (plan: TaskPlan): Effect.Effect<TaskJournal> =>
  Effect.suspend(() => {
    const runner = new Runner(plan)
    return Effect.scoped(runner.program).pipe(Effect.provideService(Logger.CurrentLoggers, new Set()))
  })

class Runner {
  private readonly plan: TaskPlan
  private readonly names: ReadonlyArray<string>
  private readonly tasks = new Map<string, Task.Task<void, unknown>>()
  private readonly journal = new TaskJournal()
  private readonly notes = new Notes(this.journal)

  constructor(plan: TaskPlan) {
    this.plan = plan
    this.names = tasksOf(plan)
  }

  readonly program: Effect.Effect<TaskJournal, never, Scope.Scope> = Effect.gen({ self: this }, function* () {
    yield* this.notes.begin
    yield* observe(() => ({ ended: (node) => this.ended(node) }))
    const nursery = yield* Nursery.make<unknown>("plan")
    const main = yield* nursery.spawn("main", this.notes.unit("main", this.step(this.plan.body, true)))
    this.tasks.set("main", main)
    for (const [index, cancel] of this.plan.cancels.entries()) {
      // Who has asked waits for the answer, though the plan ends with it.
      // oxlint-disable-next-line rescind/no-bare-uninterruptible -- the kit does not lean on the shields that it checks
      const asking = Effect.uninterruptible(this.outerCancel(cancel, index))
      yield* Effect.forkScoped(Effect.andThen(Effect.sleep(cancel.at), asking))
    }
    this.journal.outcome = yield* Task.await(main)
    return this.journal
  })

  private ended(node: TaskNode): void {
    const main = this.tasks.get("main") as unknown as TaskNode | undefined
    if (main !== undefined && node.isWithin(main)) this.notes.ended(node)
  }

  private outerCancel(cancel: OuterCancel, index: number): Effect.Effect<void> {
    const { at: _at, by, target } = cancel
    return this.cancel(`${by}${index + 1}`, target, true, {
      reason: CancelReason.request({ by }),
      ...patienceOf(cancel)
    })
  }

  private cancel(who: string, target: number, wait: boolean, options: Task.CancelOptions): Effect.Effect<void> {
    return Effect.suspend(() => {
      const task = this.tasks.get(targetOf(this.names, target))
      const answer: Effect.Effect<CancelResult | undefined> =
        task === undefined ? Effect.undefined : wait ? Task.cancel(task, options) : Task.requestCancel(task, options)
      return Effect.flatMap(answer, (result) => this.notes.note(who, "answer", result?._tag ?? "Unknown"))
    })
  }

  /** `last`: it is the last step of a task, on the task's own fiber, where a commit may stand. */
  private step(step: Step, last: boolean): Run {
    switch (step._tag) {
      case "Sleep":
        return Effect.sleep(step.ms)
      case "Yield":
        return Effect.forEach(Array.from({ length: step.turns }), () => Effect.yieldNow, { discard: true })
      case "Succeed":
        return Effect.void
      case "Fail":
        return Effect.fail(step.name)
      case "Die":
        return Effect.die(step.name)
      case "Interrupt":
        return Effect.interrupt
      case "Finalizer":
        return Effect.addFinalizer(() => Effect.orDie(this.cleanup(step.name, step.cleanup)))
      case "Cancel":
        return this.cancel(step.name, step.target, step.wait, {
          reason: CancelReason.request({ by: step.name }),
          ...patienceOf(step)
        })
      case "Sequence": {
        const end = step.members.length - 1
        return Effect.forEach(step.members, (member, index) => this.step(member, last && index === end), {
          discard: true
        })
      }
      case "Catch":
        return Effect.catchCause(this.step(step.members[0], false), () => Effect.void)
      case "Resource":
        return Effect.acquireUseRelease(
          Effect.void,
          () => this.step(step.members[0], false),
          () => this.cleanup(step.name, step.cleanup)
        )
      case "Uninterruptible":
        // oxlint-disable-next-line rescind/no-bare-uninterruptible -- the plan asks for one
        return Effect.uninterruptible(this.step(step.members[0], false))
      case "Shield": {
        const { budget, members, name } = step
        return Shield.run(name, this.notes.unit(name, this.step(members[0], false)), { budget })
      }
      case "Commit": {
        const save = this.step(step.members[0], false)
        return last ? Task.commit(save, { within: step.within }) : save
      }
      case "Child":
        return this.notes.unit(step.name, this.step(step.members[0], true))
      case "Nursery":
        return this.nursery(step)
      case "Race":
        return Combining.race(step, this.record(step), this.notes)
      case "Join":
        return Combining.join(step, this.record(step), this.notes)
      case "Deadline":
        return Combining.deadline(step, this.notes.unit(step.name, this.step(step.members[0], false)), this.notes)
      case "Latest":
        return Combining.latest(step, this.units(step), this.notes)
      case "Native":
        return Combining.native(step, this.units(step))
      case "Extra":
        return Effect.asVoid(step.step.run(this.units(step), step.ms))
    }
  }

  private units(step: Step): ReadonlyArray<Run> {
    return step.members.map((member, index) => this.notes.unit(memberName(step, index), this.step(member, false)))
  }

  private record(step: Step): Record<string, Run> {
    return Object.fromEntries(this.units(step).map((unit, index) => [memberName(step, index), unit]))
  }

  private nursery(step: Extract<Step, { readonly _tag: "Nursery" }>): Run {
    const { members, name, supervise } = step
    const [first, ...children] = members
    const body = (nursery: Nursery.Nursery<unknown>): Run =>
      Effect.andThen(
        Effect.forEach(children, (child) => this.spawn(nursery, child), { discard: true }),
        this.notes.unit(`${name}.body`, first === undefined ? Effect.void : this.step(first, false))
      )
    return supervise
      ? Effect.flatMap(Nursery.supervise(name, body), ({ failures }) =>
          this.notes.note(
            name,
            "report",
            failures
              .map((failure) => `${failure.name} ${textOfCause(failure.cause)}`)
              .toSorted()
              .join("; ")
          )
        )
      : Nursery.run(name, body)
  }

  private spawn(nursery: Nursery.Nursery<unknown>, child: Step): Effect.Effect<void> {
    const background = child._tag === "Child" && child.background
    return Effect.map(nursery.spawn(child.name, this.step(child, true), { background }), (task) => {
      this.tasks.set(child.name, task)
    })
  }

  private cleanup(who: string, { end, ms }: Cleanup): Effect.Effect<void, unknown> {
    const over = end === "succeed" ? Effect.void : end === "fail" ? Effect.fail(`${who}!`) : Effect.die(`${who}!`)
    return this.notes
      .reading((reason) => this.notes.note(who, "cleans", reason))
      .pipe(
        Effect.andThen(ms === 0 ? Effect.void : Effect.sleep(ms)),
        Effect.andThen(this.notes.note(who, "cleaned")),
        Effect.andThen(over)
      )
  }
}
