#!/usr/bin/env node
// Old syntax only: an old Node must get as far as the message.
var wanted = [20, 19]
var found = process.versions.node.split('.').map(Number)
if (found[0] < wanted[0] || (found[0] === wanted[0] && found[1] < wanted[1])) {
  console.error('lago needs Node.js ' + wanted.join('.') + ' or newer, and this is ' + process.versions.node)
  console.error('  hint: install a newer one (https://nodejs.org/en/download), or put it first in PATH')
  process.exit(1)
}
import('../dist/main.js').catch(function (error) {
  console.error(error)
  process.exit(1)
})
