" SPDX-License-Identifier: MIT
" :SwarmNew, and the buffer swarm://new in which a task for a new agent is written: a head of fields,
" an empty line, the task. :w or <C-s> starts the agent; the text is given up only when that went
" well, or by q.
"
"   swarm#new#command(words, command)    of :SwarmNew; words may begin with -model=, -role=, -base=,
"                                        -mode= and -isolation=
"   swarm#new#open(options)              the buffer. options: context, modifiers, fields
"   swarm#new#spawn(task, modifiers)     starts an agent and opens its transcript

let s:NAME = 'swarm://new'
let s:HEIGHT = 12
let s:FIELDS = ['model', 'role', 'base', 'mode']
let s:CHOICES = {'mode': ['ask', 'edit', 'full', 'read'], 'isolation': ['worktree', 'none']}

let s:draft = {} " {context: [...], modifiers, sending}
let s:models = []

" --- The command. ---

" [fields, the rest of the words]
function! s:parse(words) abort
  let [fields, rest] = [{}, a:words]
  while rest =~# '^-\%(model\|role\|base\|mode\|isolation\)=\S'
    let [name, value, rest] = matchlist(rest, '^-\(\w\+\)=\(\S\+\)\s*\(.*\)$')[1:3]
    let fields[name] = value
  endwhile
  return [fields, rest]
endfunction

function! swarm#new#command(words, command) abort
  let context = a:command.range[0] ? [swarm#context#lines(bufnr(), a:command.range[1], a:command.range[2])] : []
  let [fields, task] = s:parse(trim(a:words))
  if empty(task)
    call swarm#new#open({'context': context, 'modifiers': a:command.modifiers, 'fields': fields})
    return
  endif
  call swarm#new#spawn(extend(extend({'task': task}, fields), empty(context) ? {} : {'context': context}),
        \ a:command.modifiers)
endfunction

function! swarm#new#spawn(task, modifiers) abort
  call swarm#action#spawn(a:task, function('s:show', [a:modifiers]), {-> 0})
endfunction

function! s:show(modifiers, agent) abort
  call swarm#transcript#open(a:agent.id, {'modifiers': a:modifiers, 'started': v:true})
endfunction

function! swarm#new#complete(lead, line, position) abort
  let options = map(s:FIELDS + ['isolation'], '"-" .. v:val .. "="')
  if a:lead =~# '^-\w\+='
    let name = matchstr(a:lead, '^-\zs\w\+')
    call s:read_models()
    let options = map(copy(s:values(name)), '"-" .. name .. "=" .. v:val')
  endif
  return filter(options, 'a:lead[0] ==# "-" && stridx(v:val, a:lead) == 0')
endfunction

" --- The buffer. ---

function! s:head() abort
  let lines = ['# New agent. Write its task below; :w or <C-s> starts it, q gives it up.']
  for context in s:draft.context
    call add(lines, '# Goes with it: ' .. swarm#context#describe(context))
  endfor
  return lines
endfunction

" Of the buffer's lines: [those of the head, those of the task]. The head ends at the first line that
" is neither a comment nor a field.
function! s:parts(lines) abort
  let at = 0
  while at < len(a:lines) && a:lines[at] =~# '^#\|^\%(model\|role\|base\|mode\|isolation\):'
    let at += 1
  endwhile
  return [at > 0 ? a:lines[: at - 1] : [], a:lines[at :]]
endfunction

function! s:fields(head) abort
  let fields = {}
  for line in a:head
    let found = matchlist(line, '^\(\w\+\):\s*\(\S.\{-}\)\s*$')
    if !empty(found)
      let fields[found[1]] = found[2]
    endif
  endfor
  return fields
endfunction

function! swarm#new#submit() abort
  let bufnr = swarm#buffer#find(s:NAME)
  let [head, rest] = s:parts(getbufline(bufnr, 1, '$'))
  let task = trim(join(rest, "\n"))
  if empty(task)
    call swarm#ui#warning('write a task first; q gives it up')
  elseif !s:draft.sending
    let s:draft.sending = v:true
    call setbufvar(bufnr, '&modified', 0)
    stopinsert
    call swarm#action#spawn(extend(extend({'task': task}, s:fields(head)),
          \ empty(s:draft.context) ? {} : {'context': s:draft.context}),
          \ function('s:started', [s:draft.modifiers]), function('s:failed'))
  endif
endfunction

function! s:started(modifiers, agent) abort
  call swarm#new#discard()
  call s:show(a:modifiers, a:agent)
endfunction

function! s:failed() abort
  let s:draft.sending = v:false
  if swarm#buffer#find(s:NAME)
    call setbufvar(swarm#buffer#find(s:NAME), '&modified', 1)
  endif
endfunction

function! swarm#new#discard() abort
  let s:draft = {}
  let bufnr = swarm#buffer#find(s:NAME)
  if bufnr
    execute 'bwipeout!' bufnr
  endif
endfunction

function! s:set_up() abort
  setlocal buftype=acwrite modifiable omnifunc=swarm#new#omni
  let &l:undolevels = &g:undolevels
  autocmd swarm BufWriteCmd <buffer> call swarm#new#submit()
  autocmd swarm BufWinEnter <buffer> call swarm#buffer#options(['wrap', 'linebreak', 'nonumber', 'norelativenumber'])
  nnoremap <buffer> <silent> <C-s> :<C-u>call swarm#new#submit()<CR>
  inoremap <buffer> <silent> <C-s> <C-\><C-o>:call swarm#new#submit()<CR>
  call swarm#buffer#map('q', 'call swarm#new#discard()', 'give it up')
  call swarm#buffer#map('g?', 'call swarm#help#show()', 'these keys')
  syntax match SwarmDim /^#.*/
  syntax match SwarmKey /^\%(model\|role\|base\|mode\|isolation\):/
endfunction

" The head anew: it names what goes with the task. What was written stays.
function! s:put_head(bufnr, fields) abort
  let [head, rest] = s:parts(getbufline(a:bufnr, 1, '$'))
  let fields = extend(s:fields(head), a:fields)
  let lines = s:head()
  for name in s:FIELDS + filter(keys(fields), 'index(s:FIELDS, v:val) < 0')
    call add(lines, trim(name .. ': ' .. get(fields, name, '')))
  endfor
  let task = join(rest) !~# '\S' ? ['', ''] : rest[0] =~# '\S' ? [''] + rest : rest
  call setbufline(a:bufnr, 1, lines + task)
  silent! call deletebufline(a:bufnr, len(lines) + len(task) + 1, '$')
  call setbufvar(a:bufnr, '&modified', task !=# ['', ''])
endfunction

function! swarm#new#open(options) abort
  let bufnr = swarm#buffer#find(s:NAME)
  let shown = bufnr && swarm#buffer#window(bufnr)
  let context = get(a:options, 'context', [])
  let s:draft = {'modifiers': get(a:options, 'modifiers', ''), 'sending': v:false,
        \ 'context': empty(context) ? get(s:draft, 'context', []) : context}
  let bufnr = swarm#buffer#open(s:NAME, 'swarmtask', shown ? '' : 'botright ' .. s:HEIGHT, function('s:set_up'))
  call s:put_head(bufnr, get(a:options, 'fields', {}))
  call s:read_models()
  call cursor(line('$'), 1)
  startinsert!
endfunction

" --- Completion of the fields (<C-x><C-o>). ---

function! s:read_models() abort
  if empty(s:models)
    call swarm#rpc#request('swarm/models', {}, function('s:took_models'))
  endif
endfunction

function! s:took_models(error, result) abort
  if empty(a:error)
    let s:models = map(get(a:result, 'models', []), 'v:val.id')
  endif
endfunction

function! s:values(name) abort
  if a:name ==# 'role'
    return filter(uniq(sort(map(values(swarm#state#agents()), 'get(v:val, "role", "")'))), '!empty(v:val)')
  endif
  return a:name ==# 'model' ? s:models : get(s:CHOICES, a:name, [])
endfunction

function! swarm#new#omni(findstart, base) abort
  let name = matchstr(getline('.'), '^\w\+\ze:')
  if a:findstart
    return empty(name) ? -3 : matchend(getline('.'), '^\w\+:\s*')
  endif
  return filter(copy(s:values(name)), 'stridx(v:val, a:base) >= 0')
endfunction
