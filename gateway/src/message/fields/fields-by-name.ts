// An object for header fields by name, which inherits nothing.

/** It has a hidden class: `Object.create(null)` makes a dictionary, which costs three times as much. */
export const FieldsByName = function () {
  // Nothing to set up.
} as unknown as new () => Record<string, string>
FieldsByName.prototype = Object.create(null) as object
