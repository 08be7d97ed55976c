import type * as Fiber from "effect/Fiber"

/**
 * Whether an interrupt would act on this fiber now. Effect keeps it on the fiber
 * but not in the public interface; test/fibers/internal/interruptible.test.ts
 * guards it.
 */
export const isInterruptible = (fiber: Fiber.Fiber<any, any>): boolean =>
  (fiber as { readonly interruptible?: boolean }).interruptible !== false
