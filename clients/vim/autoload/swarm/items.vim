" SPDX-License-Identifier: MIT
" From an item of the protocol to the lines of a transcript, nothing else.
"
" A rendering is {lines, folds, open?}: lines as swarm#buffer#render() takes them; folds a list of
" [first, last], counted from 0, that are closed at first; `open`, when it is there, says that text
" which arrives may be appended: it is what swarm#items#append() goes on from.
scriptencoding utf-8

let s:text = function('swarm#items#text#of')

" Lines that the kind's function returns: [lines, folds], or {} with more.
let s:renderers = {}

function! s:painted(lines, group) abort
  return map(copy(a:lines), 'v:val ==# "" ? "" : {"text": v:val, "spans": [[0, strlen(v:val), a:group]]}')
endfunction

function! s:content(content) abort
  if type(a:content) == v:t_string
    return a:content
  endif
  let parts = []
  for block in type(a:content) == v:t_list ? a:content : []
    call add(parts, has_key(block, 'text') ? block.text : '[' . get(block, 'type', '?') . ']')
  endfor
  return join(parts, "\n")
endfunction

function! s:renderers.user(item, _) abort
  let lines = map(swarm#items#text#whole(s:content(get(a:item, 'content', ''))), '"> " . v:val')
  let from = s:text(a:item, 'from')
  if from !=# '' && from !=# 'user' && !empty(lines)
    call insert(lines, '> (from ' . from . ')')
  endif
  return {'lines': s:painted(lines, 'SwarmUser'), 'folds': []}
endfunction

function! s:renderers.assistant(item, _) abort
  let text = s:text(a:item, 'text')
  let running = a:item.status ==# 'started'
  let lines = running ? (text ==# '' ? [] : swarm#util#lines(text)) : swarm#items#text#whole(text)
  let [marked, _] = swarm#items#markdown#lines(lines, 0)
  if a:item.status ==# 'failed'
    call add(marked, s:painted(['✗ broke off here'], 'SwarmFailed')[0])
  endif
  let rendering = {'lines': marked, 'folds': []}
  if running && !empty(lines)
    let [_, before] = swarm#items#markdown#lines(lines[:-2], 0)
    let rendering.open = {'last': lines[-1], 'fenced': before}
  endif
  return rendering
endfunction

" Text that arrived behind what `open` knows: {lines, open}, where the first of the lines takes the
" place of the last one there.
function! swarm#items#append(open, text) abort
  let texts = swarm#util#lines(a:open.last . a:text)
  let [lines, _] = swarm#items#markdown#lines(texts, a:open.fenced)
  let [_, before] = swarm#items#markdown#lines(texts[:-2], a:open.fenced)
  return {'lines': lines, 'open': {'last': texts[-1], 'fenced': before}}
endfunction

let s:TAIL = 4096   " bytes at the end of a text that grows, in which its last lines are looked for
let s:SUMMARY = 3   " lines of reasoning that are shown while it streams

function! s:tail(text) abort
  return strlen(a:text) > s:TAIL ? strpart(a:text, strlen(a:text) - s:TAIL) : a:text
endfunction

function! s:took(item) abort
  let seconds = get(a:item, 'seconds', 0)
  return seconds >= 2 ? ' ' . swarm#util#duration(seconds) : ''
endfunction

function! s:renderers.reasoning(item, _) abort
  let text = s:text(a:item, 'text')
  if a:item.status ==# 'started'
    let lines = swarm#items#text#whole(s:tail(text))
    return {'lines': s:painted(['~ thinking'] + swarm#items#text#last(lines, s:SUMMARY), 'SwarmReasoning'), 'folds': []}
  endif
  let lines = swarm#items#text#whole(text)
  if empty(lines)
    return {'lines': [], 'folds': []}
  endif
  let title = '~ thought' . s:took(a:item) . (a:item.status ==# 'failed' ? ', and was cut off' : '')
  return {'lines': s:painted([title] + lines, 'SwarmReasoning'), 'folds': [[1, len(lines)]]}
endfunction

let s:signs = {'started': '●', 'completed': '✓', 'failed': '✗'}
let s:sign_groups = {'started': 'SwarmActive', 'completed': 'SwarmDone', 'failed': 'SwarmFailed'}

function! s:tool_title(item) abort
  let sign = get(s:signs, a:item.status, '●')
  let title = s:text(a:item, 'title')
  let text = sign . ' ' . swarm#util#one_line(title !=# '' ? title : s:text(a:item, 'name'))
  let code = swarm#items#text#number(a:item, 'exitCode')
  let text .= (code != 0 ? ' (exit code ' . code . ')' : '') . s:took(a:item)
  return {'text': text, 'spans': [[0, strlen(sign), get(s:sign_groups, a:item.status, 'SwarmActive')],
        \ [strlen(sign), strlen(text) - strlen(sign), 'SwarmTool']]}
endfunction

" What a call writes, as the lines of a patch; the whole one stands with the question, if any. (The
" output of `edit` is a patch by itself.)
function! s:change(item) abort
  let input = get(a:item, 'editedInput', get(a:item, 'input', {}))
  if type(input) != v:t_dict || get(a:item, 'asked') || get(a:item, 'name', '') !=# 'write'
    return []
  endif
  return map(swarm#items#text#whole(s:text(input, 'content')), '"+" . v:val')
endfunction

let s:OUTPUT_MAX = 60 " lines of an output that are in the transcript at all; more on demand

" Called with the item: what stands below the title once it has ended.
function! s:tool_body(item) abort
  let [output, total] = swarm#items#text#first(swarm#util#terminal(s:text(a:item, 'output')), s:OUTPUT_MAX)
  let shown = get(a:item, 'name', '') ==# 'edit' ? swarm#review#patch#lines(output, '  ')
        \ : s:painted(map(output, '"  " . v:val'), 'SwarmOutput')
  let left = total - len(shown)
  if left > 0
    let shown += s:painted([printf('  … %d more lines (<CR> opens the whole output)', left)], 'SwarmDim')
  endif
  if s:text(a:item, 'full') !=# ''
    let shown += s:painted(['  whole output: ' . swarm#util#home(a:item.full)], 'SwarmDim')
  endif
  if s:text(a:item, 'blocked') !=# ''
    let shown += s:painted(['  ' . swarm#util#one_line(a:item.blocked)], 'SwarmWaiting')
  endif
  return [shown, swarm#review#patch#lines(s:change(a:item)[: s:OUTPUT_MAX - 1], '  ')]
endfunction

function! s:renderers.tool(item, options) abort
  let title = s:tool_title(a:item)
  let limit = a:options.output_lines
  if a:item.status ==# 'started'
    let output = swarm#items#text#whole(swarm#util#terminal(s:tail(s:text(a:item, 'output'))))
    let last = swarm#items#text#last(output, limit)
    return {'lines': [title] + s:painted(map(last, '"  " . v:val'), 'SwarmOutput'), 'folds': []}
  endif
  let [output, change] = s:tool_body(a:item)
  let body = output + change
  " A fold that would hide one line hides nothing worth it; a change is always folded as a whole.
  let first = 1 + (len(output) > limit + 1 ? limit : len(output))
  let folds = len(body) - first + 1 > 1 ? [[first, len(body)]] : []
  return {'lines': [title] + body, 'folds': folds}
endfunction

let s:decisions = {'allow': 'allowed', 'allowAlways': 'allowed from now on', 'reject': 'rejected',
      \ 'rejectAlways': 'rejected from now on'}

function! s:answer(asked) abort
  let by = s:text(a:asked, 'by')
  let reason = swarm#util#one_line(s:text(a:asked, 'reason'))
  return get(s:decisions, a:asked.decision, a:asked.decision) . (by ==# '' ? '' : ' by ' . by)
        \ . (reason ==# '' ? '' : ': ' . reason)
endfunction

function! s:renderers.approval(item, _) abort
  let asked = get(a:item, 'approval', {})
  let title = swarm#approval#text#title(asked)
  let detail = swarm#approval#text#detail(asked, '  ')
  if s:text(asked, 'decision') !=# ''
    let lines = s:painted(['✓ ' . title . ': ' . s:answer(asked)], 'SwarmDim') + detail
  elseif a:item.status !=# 'started'
    let lines = s:painted(['✗ ' . title . ': not answered'], 'SwarmDim') + detail
  else
    return {'lines': s:painted(['? ' . title], 'SwarmWaiting') + detail
          \ + s:painted(['  a allow   A reject'], 'SwarmKey'), 'folds': []}
  endif
  return {'lines': lines, 'folds': len(lines) > 2 ? [[1, len(lines) - 1]] : []}
endfunction

let s:plan_signs = {'completed': '[x]', 'inProgress': '[.]', 'in_progress': '[.]'}

function! s:renderers.plan(item, _) abort
  let lines = s:painted(['Plan'], 'SwarmHeading')
  for entry in get(a:item, 'entries', [])
    let words = filter(map(['content', 'title', 'text'], 's:text(entry, v:val)'), 'v:val !=# ""')
    call add(lines, '  ' . get(s:plan_signs, s:text(entry, 'status'), '[ ]') . ' '
          \ . swarm#util#one_line(get(words, 0, '')))
  endfor
  return {'lines': lines, 'folds': []}
endfunction

let s:notice_groups = {'error': 'SwarmFailed', 'warning': 'SwarmWaiting'}

function! s:renderers.notice(item, _) abort
  let lines = map(swarm#items#text#whole(s:text(a:item, 'text')), '(v:key == 0 ? "! " : "  ") . v:val')
  return {'lines': s:painted(lines, get(s:notice_groups, s:text(a:item, 'level'), 'SwarmDim')), 'folds': []}
endfunction

function! s:renderers.compaction(item, _) abort
  let title = '! the older part was summarised'
  if swarm#items#text#number(a:item, 'before') > 0
    let title .= printf(': %s to %s tokens', swarm#util#count(a:item.before),
          \ swarm#util#count(swarm#items#text#number(a:item, 'after')))
  endif
  let lines = [title] + swarm#items#text#whole(s:text(a:item, 'summary'))
  return {'lines': s:painted(lines, 'SwarmDim'), 'folds': len(lines) > 2 ? [[1, len(lines) - 1]] : []}
endfunction

function! s:renderers.merge(item, _) abort
  let into = s:text(a:item, 'into')
  let commit = s:text(a:item, 'commit')
  let line = '! merged' . (into ==# '' ? '' : ' into ' . into) . (commit ==# '' ? '' : ' as ' . commit[:11])
  return {'lines': s:painted([line], 'SwarmDim'), 'folds': []}
endfunction

function! s:renderers.rewind(item, _) abort
  let lines = map(swarm#items#text#whole(s:text(a:item, 'text')), '(v:key == 0 ? "! " : "  ") . v:val')
  return {'lines': s:painted(lines, 'SwarmWaiting'), 'folds': []}
endfunction

function! s:renderers.message(item, _) abort
  let title = printf('%s to %s:', s:text(a:item, 'from'), s:text(a:item, 'to'))
  return {'lines': s:painted([title], 'SwarmUser') + swarm#items#text#whole(s:text(a:item, 'text')), 'folds': []}
endfunction

" Renders an item that follows one of the kind `previous`; options: {output_lines}. Kinds that this
" version does not know have no lines. Calls stand together, everything else behind an empty line.
function! swarm#items#render(item, previous, options) abort
  if !has_key(s:renderers, get(a:item, 'kind', ''))
    return {'lines': [], 'folds': []}
  endif
  let rendering = s:renderers[a:item.kind](a:item, a:options)
  if !empty(rendering.lines) && !(a:item.kind ==# 'tool' && a:previous ==# 'tool')
    call insert(rendering.lines, '')
    call map(rendering.folds, '[v:val[0] + 1, v:val[1] + 1]')
  endif
  return rendering
endfunction
