/**
 * A nursery whose children are restarted. Its body decides what becomes of an
 * ended attempt; this node tells the body of ends and of a request to stop, and
 * sees to it that nothing which the body left unread is lost.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { CancelRequest } from "./cancelRequest.ts"
import { NurseryNode } from "./nurseryNode.ts"
import type { TaskNode } from "./taskNode.ts"
import { TaskRecord } from "./taskRecord.ts"
import { trampoline } from "./trampoline.ts"

export class SupervisorNode extends NurseryNode {
  /** Attempts that have ended, and of which the body does not know yet. */
  readonly ended: Array<TaskNode> = []
  private over = false
  private wake: (() => void) | undefined = undefined

  constructor(name: string, owner: Fiber.Fiber<any, any>, body: Effect.Effect<any, any, any>) {
    super(name, owner, "cancel-siblings", body)
  }

  /** A fresh task; the one before it has ended, clean-up included. */
  attempt(name: string, number: number, effect: Effect.Effect<any, any, any>, fiber: Fiber.Fiber<any, any>): TaskNode {
    const task = this.adopt(name, effect, fiber)
    if (number > 1) TaskRecord.of(task).attempt = number
    if (task.gone) {
      this.ended.push(task)
      return task
    }
    // Its failure goes to the body alone.
    this.awaitReady(task)
    task.start()
    return task
  }

  override memberEnded(member: TaskNode): void {
    super.memberEnded(member)
    if (member.kind !== "task") return
    if (this.over) return this.keep(member)
    this.ended.push(member)
    this.tell()
  }

  override get listens(): boolean {
    return true
  }

  override requestArrived(_request: CancelRequest): void {
    this.tell()
  }

  private tell(): void {
    const { wake } = this
    this.wake = undefined
    if (wake !== undefined) trampoline(wake)
  }

  /** Waits for an end, or for a request to stop that `asked` does not know of. */
  news(asked: boolean): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      if (this.ended.length > 0 || (this.mark !== undefined && !asked)) return resume(Effect.void)
      this.wake = () => resume(Effect.void)
      return Effect.sync(() => {
        this.wake = undefined
      })
    })
  }

  /** The body has ended: what it did not read goes where it can be seen. */
  finish(): void {
    this.over = true
    for (const task of this.ended.splice(0)) this.keep(task)
  }

  private keep(task: TaskNode): void {
    const exit = task.exit as Exit.Exit<unknown, unknown>
    if (task.verdict === "failed" && exit._tag === "Failure") this.cleanupFailed(task.name, exit.cause, this.context)
    if (task.verdict === "completed" && exit._tag === "Success") this.salvage(task.name, exit.value)
  }
}
