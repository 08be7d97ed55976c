/**
 * One child of a supervisor over all its attempts: what is known of the latest,
 * and what its policy says of an end.
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import type { RestartPolicy } from "../Supervisor.ts"
import type { TaskOutcome } from "../TaskOutcome.ts"
import type { CancelRequest } from "./cancelRequest.ts"
import { outcomeOf } from "./outcome.ts"
import type { TaskNode } from "./taskNode.ts"

export type Step = (
  now: number,
  input: Cause.Cause<any>
) => Pull.Pull<[unknown, Duration.Duration], never, unknown, any>

/** One child over all its attempts. */
export class SupervisedChild {
  attempt = 0
  /** The running attempt, or the latest. */
  task: TaskNode | undefined = undefined
  /** When the next attempt starts, a steady instant; absent when none is to come. */
  dueAt: number | undefined = undefined
  /** The cancel by which a sibling's restart ends this attempt. */
  restartedBy: CancelRequest | undefined = undefined
  outcome: TaskOutcome<any, any, any> | undefined = undefined
  /** Not restarted because of a request to stop. */
  stopped = false
  step: Step | undefined = undefined
  readonly name: string
  readonly effect: Effect.Effect<any, any, any>
  readonly restart: RestartPolicy
  readonly shouldRestart: ((cause: Cause.Cause<any>) => boolean) | undefined

  constructor(
    name: string,
    effect: Effect.Effect<any, any, any>,
    restart: RestartPolicy,
    shouldRestart: ((cause: Cause.Cause<any>) => boolean) | undefined
  ) {
    this.name = name
    this.effect = effect
    this.restart = restart
    this.shouldRestart = shouldRestart
  }

  get running(): boolean {
    return this.task !== undefined && !this.task.gone
  }

  get ended(): boolean {
    return this.outcome !== undefined || this.stopped
  }

  /** What the end of an attempt means, the policy alone considered: "again" unless it has ended for good. */
  judge(task: TaskNode, asked: CancelRequest | undefined): "again" | "ended" {
    if (task.verdict === "cancelled") {
      if (task.mark === this.restartedBy && this.restart !== "temporary") return "again"
      // By a request to the whole supervisor, as at a checkpoint in its grace.
      if (task.mark === asked) this.stopped = true
      else this.outcome = outcomeOf(task)
      return "ended"
    }
    if (this.restart === "permanent" || (this.restart === "transient" && task.verdict === "failed")) return "again"
    this.outcome = outcomeOf(task)
    return "ended"
  }
}
