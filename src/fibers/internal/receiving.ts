/**
 * How a message gets to a fiber such that no interrupt can come between. Two
 * facts of Effect carry it, and test/fibers/Correlator.random.test.ts guards them:
 * an interrupt that comes after `resume` but before the value has reached the next
 * operation still runs the clean-up of `Effect.callback`, which gives the message
 * back; and the value of `Effect.sync` reaches the next operation in the same step.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { CorrelatorClosed } from "../CorrelatorClosed.ts"
import { NoMessage } from "../NoMessage.ts"
import type { Correlation } from "./correlation.ts"
import { type Message, Waiter } from "./messageLine.ts"

export type Unreceived = CorrelatorClosed | NoMessage

export const wait = (
  self: Correlation,
  channel: string,
  key: string,
  within: number,
  held?: Waiter
): Effect.Effect<any, Unreceived> =>
  Effect.callback<unknown, Unreceived>((resume) => {
    if (self.closed) return resume(Effect.fail(new CorrelatorClosed({ channel, key })))
    const kept = self.next(channel, key)
    if (kept !== undefined) return resume(takeKept(self, kept, within, held))
    if (within === 0) return resume(noMessage(channel, key, 0))
    const waiter = held ?? new Waiter(false)
    const fiber = Fiber.getCurrent()!
    waiter.resume = resume
    waiter.fiber = fiber
    self.queue(channel, key, waiter)
    if (within !== Infinity) {
      // oxlint-disable-next-line rescind/no-run-inside -- this step is synchronous; the timer is stopped with the wait
      waiter.timer = Effect.runForkWith(fiber.context)(Effect.sleep(within))
      waiter.timer.addObserver(() => {
        if (waiter.line === undefined) return
        self.unqueue(waiter)
        resume(noMessage(channel, key, within))
      })
    }
    return Effect.sync(() => self.leave(waiter))
  })

const noMessage = (channel: string, key: string, within: number): Effect.Effect<never, NoMessage> =>
  Effect.fail(new NoMessage({ channel, key, within: Duration.millis(within) }))

/** Another fiber was quicker, or the message is no longer there. */
const gone = new Error("The kept message is gone")

const takeKept = (
  self: Correlation,
  message: Message,
  within: number,
  held: Waiter | undefined
): Effect.Effect<unknown, Unreceived> =>
  Effect.catchCause(
    Effect.sync(() => {
      if (message.line?.first !== message) throw gone
      self.take(message, held)
      return message.value
    }),
    () => wait(self, message.channel, message.key, within, held)
  )

export const receive = (
  self: Correlation,
  channel: string,
  key: string,
  within: number,
  use: (value: any) => Effect.Effect<any, any, any>
): Effect.Effect<any, any, any> =>
  Effect.suspend(() => {
    const waiter = new Waiter(true)
    return Effect.onExit(Effect.flatMap(wait(self, channel, key, within, waiter), use), (exit) => {
      if (exit._tag === "Success") self.settle(waiter)
      else if (Cause.hasInterrupts(exit.cause)) self.leave(waiter)
      else self.reject(waiter, exit.cause)
      return nothing
    })
  })

/** No further step: the runtime allows it though the type does not. */
const nothing = undefined as never
