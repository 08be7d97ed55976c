/**
 * Labels: words that a client gives a task when it starts it, `customer=42` say,
 * and by which it finds and cancels all that have them. They mean nothing to the
 * server.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * 1 to 64 letters, digits and `.` `_` `:` `=` `/` `@` `-`: none that a URL or a
 * log would have to escape beyond recognition.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Label: Schema.String = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9._:=/@-]{1,64}$/u, {
    expected: '1 to 64 letters, digits, ".", "_", ":", "=", "/", "@" or "-"'
  })
)

/**
 * How many a task can have, and a filter can name.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxLabels = 16

/**
 * The labels of one task; one that is given twice counts once.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Labels: Schema.$Array<Schema.String> = Schema.Array(Label).check(
  Schema.isMaxLength(maxLabels, { expected: `at most ${maxLabels} labels` })
)
