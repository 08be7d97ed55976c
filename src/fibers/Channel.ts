/**
 * The name and the type of one kind of message. Define a channel once and import
 * it on both sides: the name is what a correlator goes by, so two channels of one
 * name and two types would give one side what the other did not mean.
 *
 * @since 0.1.0
 */
import type * as Schema from "effect/Schema"

const TypeId: unique symbol = Symbol.for("rescind/fibers/Channel")

/**
 * @category models
 * @since 0.1.0
 */
export interface Channel<in out A> {
  readonly [TypeId]: (message: A) => A
  readonly name: string
}

/**
 * A channel that can check what comes from outside.
 *
 * @category models
 * @since 0.1.0
 */
export interface SchemaChannel<S extends Schema.Top> extends Channel<S["Type"]> {
  readonly schema: S
}

/**
 * `Channel.make<Approval>("approval")`, or with a schema, which
 * `Correlator.publishUnknown` decodes with.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: {
  <A>(name: string): Channel<A>
  <S extends Schema.Top>(name: string, schema: S): SchemaChannel<S>
} = <S extends Schema.Top>(name: string, schema?: S): SchemaChannel<S> => ({ name, schema }) as SchemaChannel<S>
