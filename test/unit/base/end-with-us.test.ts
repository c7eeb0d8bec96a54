import { expect, test } from '@jest/globals'
import { endWithParent } from '../../../src/base/end-with-us.js'
import { recordedTask } from '../../helpers/recorded-task.js'

test('the abort of the one who asks first is not that of others', async () => {
  const first = recordedTask()
  const asked = [endWithParent(first.task), endWithParent(recordedTask().task)]
  first.abort(new Error('enough'))
  expect((await Promise.allSettled(asked))[1]).toEqual({
    status: 'fulfilled',
    value: ['setpriv', '--pdeathsig', 'TERM'],
  })
})
