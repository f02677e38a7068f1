" SPDX-License-Identifier: MIT
" The dashboard, swarm://dashboard: its buffer and keys, and what is drawn when.
"
"   swarm#dashboard#agents_here()   the marked agents, else the one under the cursor: [id]
"   swarm#dashboard#command(words, command) and the functions of :Swarm filter, sort and scope
"
" An index says in which line each agent is (rows, line_of). An event that leaves an agent in its
" place marks its line; those that a window shows are formatted anew at most 20 times a second, the
" others once a second. An event that moves agents has the rows computed anew, and only what moved is
" taken out and put in. Nothing is done while no window shows the buffer.
scriptencoding utf-8

let s:NAME = 'swarm://dashboard'
let s:TICK = 1000 " ms: ages, and the lines that no window shows
let s:STATS = 30 " ticks between looks at the server's own figures

let s:rows = [] " of each line: the agent's id, or what else it is, with a blank in it
let s:depths = {} " id -> how deep it is below its parents
let s:line_of = {} " id -> line, from 1
let s:groups = {} " id -> the group that its state had when the rows were computed
let s:dirty = {} " ids whose lines may differ from what they show
let s:stale = v:true " have the rows to be computed anew?
let s:movers = {} " ids of agents that have changed their places since
let s:marked = {}
let s:model = {}
let s:plan = {}
let s:sums = {} " id -> [tokens, cost], as they are in the totals
let s:totals = [0, 0.0]
let s:filter = ''
let s:scope = ''
let s:sort = ''
let s:problem = '' " why there is no server, when there is none
let s:stats = {}
let s:timer = -1
let s:ticks = 0

function! s:sort_by() abort
  return empty(s:sort) ? swarm#config#get('sort') : s:sort
endfunction

function! s:in_scope() abort
  return (empty(s:scope) ? swarm#config#get('scope') : s:scope) ==# 'session' ? swarm#rpc#scope() : 'all'
endfunction

function! s:redraw() abort
  let bufnr = swarm#buffer#find(s:NAME)
  if bufnr
    call swarm#buffer#every(bufnr, function('swarm#dashboard#draw'))
  endif
endfunction

function! s:changed() abort
  let s:stale = v:true
  call s:redraw()
endfunction

" --- The rows. ---

" What stands above the agents, by the name of its row.
function! s:head_rows() abort
  let rows = ['head ', 'keys ']
  if !empty(s:warnings())
    call add(rows, 'warnings ')
  endif
  return rows
endfunction

function! s:compute_rows() abort
  let agents = swarm#state#agents()
  let words = split(tolower(s:filter))
  let s:model = swarm#dashboard#model#build(agents, {'filter': words, 'scope': s:in_scope(), 'sort': s:sort_by()})
  let rows = s:head_rows()
  let s:depths = {}
  let s:sums = {}
  for group in range(len(s:model.groups))
    if !empty(s:model.groups[group])
      call extend(rows, ['blank ' .. group, 'title ' .. group])
      for [id, depth] in s:model.groups[group]
        call add(rows, id)
        let s:depths[id] = depth
      endfor
    endif
  endfor
  if !s:model.shown
    call extend(rows, map(range(len(s:empty_lines())), '"empty " .. v:val'))
  endif
  let s:totals = [0, 0.0]
  for id in keys(s:depths)
    let agent = agents[id]
    let s:groups[id] = s:place(agent)
    call s:count(agent)
  endfor
  return rows
endfunction

" What decides where an agent is, but for its order among others.
function! s:place(agent) abort
  return swarm#dashboard#model#group(a:agent.state) .. get(a:agent, 'parentId', '')
endfunction

function! s:count(agent) abort
  let old = get(s:sums, a:agent.id, [0, 0.0])
  let usage = get(a:agent, 'usage', {})
  let new = [get(usage, 'inputTokens') + get(usage, 'outputTokens'), get(usage, 'costUsd')]
  let s:sums[a:agent.id] = new
  let s:totals = [s:totals[0] + new[0] - old[0], s:totals[1] + new[1] - old[1]]
endfunction

" --- The text of what is no agent. ---

let s:KEYS = '<CR> open  n new  s send  a/A answer  d diff  m merge  <Space> mark  f filter  g? all keys'

function! s:head_line() abort
  let parts = [swarm#util#plural(s:model.shown, 'agent')]
  for group in range(len(s:model.counts))
    if s:model.counts[group]
      call add(parts, s:model.counts[group] .. ' ' .. swarm#dashboard#model#short(group))
    endif
  endfor
  if s:totals[0]
    call add(parts, swarm#util#count(s:totals[0]) .. ' tokens')
  endif
  if s:totals[1] > 0
    call add(parts, swarm#util#cost(s:totals[1]))
  endif
  if s:in_scope() !=# 'all'
    call add(parts, 'this session only')
  endif
  if !empty(s:filter)
    call add(parts, printf('filter "%s" (%d of %d)', s:filter, s:model.shown, s:model.total))
  endif
  if s:sort_by() !=# 'age'
    call add(parts, 'by ' .. s:sort_by())
  endif
  if !empty(s:marked)
    call add(parts, len(s:marked) .. ' marked')
  endif
  return {'text': ' Swarm  ' .. join(parts, ' · '), 'spans': [[1, 5, 'SwarmTitle']]}
endfunction

let s:sandboxes = {'off': 'the sandbox is off', 'weak': 'the sandbox is weak here'}

function! s:warnings() abort
  let warnings = []
  if !empty(s:problem)
    call add(warnings, s:problem .. '. R tries again.')
  endif
  for provider in get(s:stats, 'providers', [])
    if get(provider, 'breaker', 'closed') !=# 'closed'
      call add(warnings, provider.name .. ' is out of reach')
    elseif get(provider, 'quota', 'ok') !=# 'ok'
      call add(warnings, provider.name .. ': the quota is used up')
    endif
  endfor
  let sandbox = get(get(s:stats, 'sandbox', {}), 'state', '')
  if has_key(s:sandboxes, sandbox)
    call add(warnings, s:sandboxes[sandbox])
  endif
  if get(s:model, 'overlaps') > 1
    call add(warnings, s:model.overlaps .. ' agents change the same files')
  endif
  return swarm#util#one_line(join(warnings, ' · '))
endfunction

function! s:empty_lines() abort
  if !empty(s:problem)
    return ['', ' ' .. swarm#util#one_line(s:problem), ' R tries again; :Swarm health looks for what is wrong.']
  elseif !swarm#state#loaded()
    return ['', ' Asking the server ...']
  elseif !empty(s:model) && s:model.total
    return ['', ' No agent is shown: ' .. (empty(s:filter) ? 'none was started in this session. S shows all.'
          \ : 'none matches the filter. F shows all.')]
  endif
  return ['', ' No agents yet.', ' n, or :SwarmNew {task}, starts one in a worktree and branch of its own;',
        \ ' your own files stay as they are. See :help swarm.']
endfunction

" --- Lines. ---

function! s:agent_line(id) abort
  return swarm#dashboard#lines#agent(swarm#state#get(a:id), s:depths[a:id], has_key(s:marked, a:id), s:now, s:plan)
endfunction

function! s:other_line(row) abort
  let [what, rest] = split(a:row, ' ', 1)
  if what ==# 'head'
    return s:head_line()
  elseif what ==# 'keys'
    return {'text': ' ' .. s:KEYS, 'spans': [[1, len(s:KEYS), 'SwarmDim']]}
  elseif what ==# 'warnings'
    let text = ' ! ' .. s:warnings()
    return {'text': text, 'spans': [[1, len(text) - 1, 'SwarmWaiting']]}
  elseif what ==# 'title'
    let title = swarm#dashboard#model#title(rest)
    return {'text': ' ' .. title, 'spans': [[1, len(title), 'SwarmHeading']]}
  elseif what ==# 'empty'
    let text = s:empty_lines()[rest]
    return rest == 1 ? {'text': text, 'spans': [[1, len(text) - 1, 'SwarmHeading']]} : text
  endif
  return ''
endfunction

function! s:line(row) abort
  return has_key(s:depths, a:row) ? s:agent_line(a:row) : s:other_line(a:row)
endfunction

" --- Drawing. ---

" Takes out the rows that went or moved, then puts in those that came; the others are not touched.
function! s:move_rows(bufnr, new) abort
  let moved = s:out_of_order(s:rows, a:new)
  let lnum = len(s:rows)
  while lnum > 0
    let last = lnum
    while lnum > 0 && has_key(moved, s:rows[lnum - 1])
      let lnum -= 1
    endwhile
    if lnum < last
      call swarm#buffer#splice(a:bufnr, lnum + 1, last - lnum, [])
    endif
    let lnum -= 1
  endwhile
  let old = {}
  for row in s:rows
    let old[row] = v:true
  endfor
  let at = 0
  while at < len(a:new)
    let first = at
    while at < len(a:new) && (has_key(moved, a:new[at]) || !has_key(old, a:new[at]))
      let at += 1
    endwhile
    if at > first
      call swarm#buffer#splice(a:bufnr, first + 1, 0, map(a:new[first : at - 1], 's:line(v:val)'))
    endif
    let at += 1
  endwhile
endfunction

" Which of the old rows are not there any more, or not in the order of the new ones: greedily, so that
" of an agent that moved up or down only itself is moved.
function! s:out_of_order(old, new) abort
  let place = {}
  let at = 0
  for row in a:new
    let place[row] = at
    let at += 1
  endfor
  let moved = copy(s:movers)
  let kept = filter(copy(a:old), 'has_key(place, v:val) && !has_key(moved, v:val)')
  for row in a:old
    if !has_key(place, row)
      let moved[row] = v:true
    endif
  endfor
  let [from, to, highest] = [0, len(kept), -1]
  while from < to
    let now = place[kept[from]]
    if now < highest || (from + 1 < to && now > place[kept[from + 1]] && place[kept[from + 1]] > highest)
      let moved[kept[from]] = v:true
    else
      let highest = now
    endif
    let from += 1
  endwhile
  return moved
endfunction

" Which agent the cursor of each window is on, and in which line of the window.
function! s:cursors(windows) abort
  let cursors = []
  for window in a:windows
    let cursor = getcurpos(window)
    let id = get(s:rows, cursor[1] - 1, '')
    call add(cursors, [window, has_key(s:depths, id) ? id : '', cursor, cursor[1] - getwininfo(window)[0].topline])
  endfor
  return cursors
endfunction

" The cursor goes along with its agent; in a dashboard that had none it goes to the first.
function! s:follow(cursors) abort
  let first = index(map(copy(s:rows), 'has_key(s:depths, v:val)'), 1) + 1
  for [window, id, cursor, below] in a:cursors
    let line = empty(id) ? (s:had_none && first ? first : 0) : get(s:line_of, id)
    if line && line != getcurpos(window)[1]
      " No line is out of sight above while there is room below.
      let last_top = max([1, len(s:rows) - winheight(window) + 1])
      call win_execute(window, printf('call winrestview({"lnum": %d, "col": %d, "curswant": %d, "topline": %d})',
            \ line, cursor[2] - 1, cursor[4] - 1, min([last_top, max([1, line - below])])))
    endif
  endfor
endfunction

function! s:draw_rows(bufnr, windows) abort
  let cursors = s:cursors(a:windows)
  let s:had_none = empty(s:depths)
  let old_depths = s:depths
  let rows = s:compute_rows()
  if empty(s:rows) || s:replan
    let lines = map(copy(rows), 's:line(v:val)')
    call swarm#buffer#render(a:bufnr, lines, 1)
    let s:dirty = {}
  else
    call s:move_rows(a:bufnr, rows)
    let s:movers = {}
    for id in keys(s:depths)
      if get(old_depths, id, s:depths[id]) != s:depths[id]
        let s:dirty[id] = v:true
      endif
    endfor
  endif
  let s:rows = rows
  let s:line_of = {}
  let lnum = 1
  for row in rows
    let s:line_of[row] = lnum
    let lnum += 1
  endfor
  call filter(s:marked, 'has_key(s:depths, v:key)')
  call s:follow(cursors)
endfunction

function! s:draw_line(bufnr, id) abort
  if has_key(s:line_of, a:id)
    call swarm#buffer#splice(a:bufnr, s:line_of[a:id], 1, [s:agent_line(a:id)])
  endif
endfunction

" The lines of agents that windows show, those that are marked as dirty, or all of them.
function! s:draw_visible(bufnr, windows, all) abort
  for window in a:windows
    let about = getwininfo(window)[0]
    for id in s:rows[about.topline - 1 : about.botline - 1]
      if has_key(s:depths, id) && (a:all || has_key(s:dirty, id))
        call s:draw_line(a:bufnr, id)
        silent! call remove(s:dirty, id)
      endif
    endfor
  endfor
endfunction

function! s:draw_head(bufnr) abort
  for row in ['head ', 'warnings ', 'empty 1', 'empty 2']
    if has_key(s:line_of, row)
      call swarm#buffer#splice(a:bufnr, s:line_of[row], 1, [s:other_line(row)])
    endif
  endfor
endfunction

function! s:width(windows) abort
  return max([40] + map(copy(a:windows), 'winwidth(v:val)'))
endfunction

let s:replan = v:false
let s:had_none = v:true
let s:now = 0

function! swarm#dashboard#draw() abort
  let bufnr = swarm#buffer#find(s:NAME)
  let windows = bufnr ? win_findbuf(bufnr) : []
  if empty(windows)
    return
  endif
  let s:now = localtime()
  let width = s:width(windows)
  let s:replan = get(s:plan, 'width') != width
  if s:replan
    let s:plan = swarm#dashboard#lines#plan(width)
  endif
  if s:stale || s:replan || has_key(s:line_of, 'warnings ') == empty(s:warnings())
    let s:stale = v:false
    call s:draw_rows(bufnr, windows)
  endif
  call s:draw_visible(bufnr, windows, v:false)
  call s:draw_head(bufnr)
  call s:start_timer()
endfunction

" --- Time. ---

" Only while a window shows it and there is an agent.
function! s:start_timer() abort
  if s:timer == -1 && !empty(s:depths)
    let s:timer = timer_start(s:TICK, function('s:tick'), {'repeat': -1})
  endif
endfunction

function! s:tick(timer) abort
  let bufnr = swarm#buffer#find(s:NAME)
  let windows = bufnr ? win_findbuf(bufnr) : []
  if empty(windows) || empty(s:depths)
    call timer_stop(s:timer)
    let s:timer = -1
    return
  endif
  let s:ticks += 1
  let s:now = localtime()
  if index(['age', 'name'], s:sort_by()) < 0 && s:ticks % 3 == 0
    call s:changed()
  endif
  if s:ticks % s:STATS == 0
    call s:read_stats()
  endif
  call s:draw_visible(bufnr, windows, v:true)
  for id in keys(s:dirty)
    call s:draw_line(bufnr, id)
  endfor
  let s:dirty = {}
endfunction

function! s:read_stats() abort
  if get(swarm#rpc#info(), 'ready')
    call swarm#rpc#request('swarm/stats', {}, function('s:took_stats'))
  endif
endfunction

function! s:took_stats(error, result) abort
  if empty(a:error)
    let s:stats = a:result
    call s:redraw()
  endif
endfunction

" --- What happens. ---

function! s:agent(data) abort
  let id = a:data.id
  if get(s:groups, id, '') !=# s:place(a:data.agent) || !has_key(s:depths, id)
    let s:stale = v:true
    let s:movers[id] = v:true
  endif
  if has_key(s:depths, id)
    let s:dirty[id] = v:true
    call s:count(a:data.agent)
    if has_key(a:data.agent, 'overlaps') && empty(a:data.agent.overlaps) != empty(get(a:data.old, 'overlaps', []))
      let s:stale = v:true
    endif
  endif
  call s:redraw()
endfunction

function! s:exit(data) abort
  let s:problem = a:data.reason
  let s:stats = {}
  call s:changed()
endfunction

function! s:ready(data) abort
  let s:problem = ''
  call s:read_stats()
  call s:changed()
endfunction

call swarm#event#on('agent', function('s:agent'))
call swarm#event#on('gone', {data -> s:changed()})
call swarm#event#on('agents', {data -> s:changed()})
call swarm#event#on('ready', function('s:ready'))
call swarm#event#on('exit', function('s:exit'))

" --- The buffer. ---

function! swarm#dashboard#agents_here() abort
  if !empty(s:marked)
    return filter(copy(s:rows), 'has_key(s:marked, v:val)')
  endif
  let id = get(s:rows, line('.') - 1, '')
  return has_key(s:depths, id) ? [id] : []
endfunction

function! s:set_up() abort
  let s:rows = []
  let s:plan = {}
  let s:stale = v:true
  call swarm#dashboard#keys#set()
  augroup swarm_dashboard
    autocmd! * <buffer>
    autocmd BufWinEnter,BufEnter <buffer> call s:entered()
    autocmd WinScrolled,CursorMoved <buffer> call s:scrolled()
    autocmd BufUnload <buffer> let s:rows = []
  augroup END
  autocmd swarm_dashboard VimResized * call s:redraw()
endfunction

function! s:entered() abort
  call swarm#buffer#options(['nowrap', 'cursorline', 'nonumber', 'norelativenumber', 'nospell', 'nolist',
        \ 'signcolumn=no', 'foldcolumn=0', 'nofoldenable', 'colorcolumn='])
  call s:redraw()
endfunction

" Lines that come into sight are brought up to date.
function! s:scrolled() abort
  if !empty(s:dirty) || get(w:, 'swarm_top') != line('w0')
    let w:swarm_top = line('w0')
    call s:redraw()
  endif
endfunction

function! swarm#dashboard#refresh() abort
  let s:problem = ''
  call swarm#state#refresh(function('s:refreshed'))
  call s:changed()
endfunction

function! s:refreshed(error) abort
  if !empty(a:error)
    let s:problem = get(a:error, 'ended') ? a:error.message : ''
    call swarm#ui#report(a:error, 'the list of agents')
  endif
  call s:read_stats()
  call s:changed()
endfunction

" In an empty window nothing has to be split.
function! s:how(modifiers) abort
  if !empty(a:modifiers)
    return a:modifiers
  endif
  let unused = empty(bufname()) && !&modified && empty(&buftype) && line('$') == 1
  return swarm#buffer#window(swarm#buffer#find(s:NAME)) ? '' : unused ? 'here' : 'botright'
endfunction

function! swarm#dashboard#command(words, command) abort
  call swarm#buffer#open(s:NAME, 'swarm', s:how(a:command.modifiers), function('s:set_up'))
  call swarm#dashboard#refresh()
endfunction

" --- Marks, filter, sort and scope. ---

function! swarm#dashboard#mark(first, last) abort
  for id in filter(s:rows[a:first - 1 : a:last - 1], 'has_key(s:depths, v:val)')
    if has_key(s:marked, id) && a:first == a:last
      call remove(s:marked, id)
    else
      let s:marked[id] = v:true
    endif
    let s:dirty[id] = v:true
  endfor
  call s:redraw()
endfunction

function! swarm#dashboard#unmark() abort
  call extend(s:dirty, s:marked)
  let s:marked = {}
  call s:redraw()
endfunction

" The marks have done their service when what they were for was asked.
function! swarm#dashboard#act(name) abort
  let ids = swarm#dashboard#agents_here()
  call swarm#command#run(a:name, ids, '')
  call swarm#dashboard#unmark()
endfunction

function! swarm#dashboard#jump(direction) abort
  let title = '^ \%(' .. join(map(range(5), 'swarm#dashboard#model#title(v:val)'), '\|') .. '\)$'
  if search(title, a:direction > 0 ? 'W' : 'bW')
    normal! j
  endif
endfunction

function! swarm#dashboard#filter(words, command) abort
  let s:filter = a:words
  call s:show_and_change()
endfunction

function! s:show_and_change() abort
  if !swarm#buffer#find(s:NAME)
    call swarm#dashboard#command('', {'modifiers': ''})
  endif
  call s:changed()
endfunction

function! s:refuse(word, choices) abort
  call swarm#ui#error(printf('%s is none of %s', a:word, join(a:choices, ', ')))
endfunction

let s:sorts = ['age', 'activity', 'name', 'cost', 'tokens']

function! swarm#dashboard#sort(words, command) abort
  if empty(a:words)
    let s:sort = s:sorts[(index(s:sorts, s:sort_by()) + 1) % len(s:sorts)]
  elseif index(s:sorts, a:words) < 0
    return s:refuse(a:words, s:sorts)
  else
    let s:sort = a:words
  endif
  call s:show_and_change()
endfunction

function! swarm#dashboard#scope(words, command) abort
  if empty(a:words)
    let s:scope = s:in_scope() ==# 'all' ? 'session' : 'all'
  elseif index(['all', 'session'], a:words) < 0
    return s:refuse(a:words, ['all', 'session'])
  else
    let s:scope = a:words
  endif
  call s:show_and_change()
endfunction

function! swarm#dashboard#complete_filter() abort
  return ['waiting', 'working', 'paused', 'done', 'failed', 'killed', 'detached']
endfunction

function! swarm#dashboard#complete_sort() abort
  return copy(s:sorts)
endfunction

function! swarm#dashboard#complete_scope() abort
  return ['all', 'session']
endfunction

function! swarm#dashboard#ask_filter() abort
  call swarm#ui#input({'prompt': 'Show agents with: ', 'default': s:filter},
        \ {text -> type(text) == v:t_string ? swarm#dashboard#filter(text, {}) : 0})
endfunction
