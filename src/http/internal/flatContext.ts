/** For tasks that run with it: each adds services of its own, and a context that has been added to often is copied whole each time. */
import * as Context from "effect/Context"

export const flatContext = <R>(context: Context.Context<R>): Context.Context<R> =>
  Context.makeUnsafe(new Map(context.mapUnsafe))
