/**
 * The name of a task: the app and the model that it is a record of, and its number. It is written `app:model:id`, which
 * is also its id in `Tasks`, in the log and on every event.
 */
import * as Schema from "effect/Schema"

export const Name = Schema.String.check(
  Schema.isPattern(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, { expected: "a name: letters, digits and _" })
)

/** At most 15 digits, which a number holds exactly. */
export const Id = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 999_999_999_999_999 }))

export interface TaskKey {
  readonly app: string
  readonly model: string
  readonly id: number
}

export const make = (app: string, model: string, id: number): TaskKey => ({ app, model, id })

export const toString = ({ app, id, model }: TaskKey): string => `${app}:${model}:${id}`

/** In paths. */
export const toPath = ({ app, id, model }: TaskKey): string => `${app}/${model}/${id}`
