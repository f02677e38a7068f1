" SPDX-License-Identifier: MIT
" Small helpers: times, numbers, names of files and text for people.
"
"   swarm#util#seconds(time)        since 1970, of an RFC 3339 time in UTC (a Float), or v:null
"   swarm#util#duration(seconds)    in one unit: 12s, 3m, 5h, 2d
"   swarm#util#count(number)        in at most six columns: 950, 12.3k, 4.0M
"   swarm#util#cost(usd)            '$0.04'; '' when it is null or absent
"   swarm#util#plural(number, noun)
"   swarm#util#one_line(text)       what would break a line or beep becomes a space
"   swarm#util#fit(text, width)     cut or filled to exactly so many screen columns
"   swarm#util#lines(text)          none of them longer than a window can show with others
"   swarm#util#terminal(text)       what a terminal would show of escapes and carriage returns
"   swarm#util#uri(path), swarm#util#path(uri)   file: URIs and absolute paths
"   swarm#util#home(path or uri)    for people: ~ for the home folder
scriptencoding utf-8

" March is made the first month, so that leap days come last.
function! s:days_since_epoch(year, month, day) abort
  let year = a:month <= 2 ? a:year - 1 : a:year
  let month = a:month <= 2 ? a:month + 12 : a:month
  return 365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + a:day - 719469
endfunction

let s:days = {} " of dates that were asked for: there are few

function! swarm#util#seconds(time) abort
  if type(a:time) != v:t_string || a:time !~# '^\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d'
    return v:null
  endif
  let date = a:time[:9]
  if !has_key(s:days, date)
    let s:days[date] = s:days_since_epoch(str2nr(date[:3]), str2nr(date[5:6]), str2nr(date[8:9]))
  endif
  let minutes = (s:days[date] * 24 + str2nr(a:time[11:12])) * 60 + str2nr(a:time[14:15])
  return minutes * 60 + str2float(matchstr(a:time, '^[0-9.]\+', 17))
endfunction

function! swarm#util#duration(seconds) abort
  let seconds = max([0, type(a:seconds) == v:t_float ? float2nr(floor(a:seconds)) : a:seconds])
  if seconds < 60
    return seconds .. 's'
  elseif seconds < 3600
    return seconds / 60 .. 'm'
  elseif seconds < 86400
    return seconds / 3600 .. 'h'
  endif
  return seconds / 86400 .. 'd'
endfunction

function! swarm#util#count(number) abort
  if a:number < 1000
    return printf('%d', a:number)
  elseif a:number < 999950
    return printf('%.1fk', a:number / 1000.0)
  endif
  return printf('%.1fM', a:number / 1000000.0)
endfunction

function! swarm#util#cost(usd) abort
  return type(a:usd) == v:t_float || type(a:usd) == v:t_number ? printf('$%.2f', a:usd * 1.0) : ''
endfunction

function! swarm#util#plural(number, noun) abort
  return printf('%d %s%s', a:number, a:noun, a:number == 1 ? '' : 's')
endfunction

function! swarm#util#one_line(text) abort
  return a:text =~# '[[:cntrl:]]' ? substitute(a:text, '[[:cntrl:]]\+', ' ', 'g') : a:text
endfunction

function! swarm#util#fit(text, width) abort
  let have = strdisplaywidth(a:text)
  if have <= a:width
    return have == a:width ? a:text : a:text .. repeat(' ', a:width - have)
  elseif a:width < 1
    return ''
  endif
  let text = strcharpart(a:text, 0, a:width - 1)
  while strdisplaywidth(text) > a:width - 1
    let text = strcharpart(text, 0, strchars(text) - 1)
  endwhile
  let text ..= '…'
  return text .. repeat(' ', a:width - strdisplaywidth(text))
endfunction

let s:LINE_MAX = 400 " bytes

" Where a longer line is broken: behind its last space, else between two characters.
function! s:break_point(piece) abort
  let space = strridx(a:piece, ' ', s:LINE_MAX - 1)
  if space >= 0
    return space + 1
  endif
  let point = s:LINE_MAX
  while point > 1 && char2nr(a:piece[point], 0) >= 0x80 && char2nr(a:piece[point], 0) < 0xC0
    let point -= 1
  endwhile
  return point
endfunction

" Of a line that does not fit into a window, Vim shows nothing when the cursor is below it. Nothing is
" taken away or added but the breaks, and they depend only on what stands before them.
function! swarm#util#lines(text) abort
  let lines = split(a:text, "\n", 1)
  if max(map(copy(lines), 'len(v:val)')) <= s:LINE_MAX
    return lines
  endif
  let broken = []
  for line in lines
    let from = 0
    while len(line) - from > s:LINE_MAX
      let piece = strpart(line, from, s:LINE_MAX + 1)
      let point = s:break_point(piece)
      call add(broken, strpart(piece, 0, point))
      let from += point
    endwhile
    call add(broken, strpart(line, from))
  endfor
  return broken
endfunction

function! swarm#util#terminal(text) abort
  let text = a:text
  if stridx(text, "\e") >= 0
    let text = substitute(text, "\e\\[[0-9;?]*[@-~]\\|\e\\][^\x07\e]*\x07\\?", '', 'g')
  endif
  if stridx(text, "\r") >= 0
    let text = substitute(text, "\r\n", "\n", 'g')
    let text = substitute(text, "[^\n]*\r\\([^\n]\\)", '\1', 'g')
    let text = substitute(text, "\r", '', 'g')
  endif
  return text
endfunction

function! swarm#util#uri(path) abort
  let path = has('win32') ? '/' .. tr(a:path, '\', '/') : a:path
  return 'file://' .. substitute(path, '[^A-Za-z0-9/._~:@!$&''()*+,;=-]', '\=s:percent(submatch(0))', 'g')
endfunction

function! s:percent(character) abort
  return join(map(range(len(a:character)), 'printf("%%%02X", char2nr(a:character[v:val], 0))'), '')
endfunction

" What is no file: URI is a path already.
function! swarm#util#path(uri) abort
  if a:uri !~# '^file:'
    return a:uri
  endif
  let path = substitute(a:uri, '^file:\(//[^/]*\)\?', '', '')
  " Runs of escapes at once: one character may be several of them.
  return substitute(path, '\(%\x\x\)\+', '\=s:bytes(submatch(0))', 'g')
endfunction

function! s:bytes(escapes) abort
  let hex = substitute(a:escapes, '%', '', 'g')
  return eval('"' .. substitute(hex, '\x\x', '\\x&', 'g') .. '"')
endfunction

function! swarm#util#home(path) abort
  return fnamemodify(swarm#util#path(a:path), ':~')
endfunction
